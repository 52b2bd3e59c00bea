"""What the demo's people say in English."""

from roseau.cli.demo.wording import Question, Theme, Wording

_SLOTS = {
    "place": (
        "Hebden Bridge", "Falmouth", "Dundee", "Totnes", "Whitby", "Machynlleth", "Ely", "Kendal", "Sligo",
        "Frome", "Stroud", "Oban", "Ludlow", "Galway", "Lewes", "Margate",
    ),
    "street": (
        "on Mill Lane", "by the lock", "on Chapel Street", "behind the station",
        "at the top of the High Street",
        "on the quay", "on Tanner’s Row", "by the old cinema", "across from the library", "under the viaduct",
    ),
    "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "time": ("this morning", "at lunchtime", "late this afternoon", "last night", "at first light",
    "before the rain"),
    "dish": (
        "a leek and potato pie", "plum crumble", "a lentil stew", "mushrooms on toast",
        "a very tall sponge cake",
        "soda bread", "squash soup", "a tray of flapjacks",
    ),
    "goods": (
        "russet apples", "a sack of muddy carrots", "smoked mackerel", "the last of the runner beans",
        "heather honey", "a wheel of cheddar", "damsons by the kilo", "eggs, still warm",
        "a bunch of dahlias",
    ),
    "plant": (
        "the broad beans", "the sweet peas", "the squashes", "the dahlias", "the leeks", "the tomatoes",
        "the nasturtiums", "the raspberries", "the foxgloves", "the kale",
    ),
    "bird": (
        "a kingfisher", "two herons", "an egret", "a tawny owl", "a pair of goldfinches", "a very bold robin",
        "three cormorants", "a wagtail",
    ),
    "instrument": ("fiddle", "bassoon", "banjo", "cello", "piano", "cornet", "concertina"),
    "book": (
        "an old Maigret", "a book of short stories", "an atlas from 1931", "a history of canals",
        "a sea story", "the life of an astronomer", "a manual of bookbinding",
    ),
    "side": ("the under-elevens", "the veterans", "the second team", "the juniors", "the old girls"),
    "n": tuple(str(n) for n in (2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 16, 18, 23, 27, 31, 42)),
    "friend": ("my neighbour", "my brother", "a friend", "a colleague", "my aunt", "the postman",
    "the baker"),
}  # fmt: skip

_THEMES = (
    Theme(
        ("Market", "Cooking"),
        (
            "At the market in {place} {time}: {goods}, and a queue as far as the fountain.",
            "Back from the market with {goods} and nothing that was on the list.",
            "The grocer in {place} stops at the end of the month. I have bought {plant} there for {n} years.",
            "Tonight: {dish}. Four lines of recipe, forty minutes of washing up.",
            "Where does one find {goods} around {place} these days?",
            "{n} jars filled {time}, labelled and put away. Winter may come.",
            "I have got {dish} wrong for the third time. We ate it anyway.",
            "The café {street} does {dish} again on {day}s. Just saying.",
        ),
        (
            "There is some left for whoever comes by tonight.",
            "Recipe on request; it is from {friend}.",
            "Next time: {dish}.",
            "All gone by eleven.",
            "The secret is not to hurry.",
        ),
    ),
    Theme(
        ("Gardening", "Allotment"),
        (
            "On the allotment {plant} have taken off since the rain on {day}.",
            "Harvest so far: {n} courgettes. Volunteers wanted.",
            "The slugs have found {plant}. I wish them indigestion.",
            "Sown under glass {time}. See you in {n} days.",
            "Has anybody taken cuttings of {plant} this late?",
            "{bird} on the compost heap {time}. We looked at each other for a long while.",
            "The rain barrel is full for the first time in {n} weeks.",
            "Seed swap {street} on {day}: bring what you have, leave with something else.",
        ),
        (
            "Thick mulch, water in the evening, patience.",
            "{friend} says it is too early. We shall see.",
            "Pictures as soon as there is something to show.",
            "Everything goes into the notebook, as every year.",
            "I have seedlings to give away.",
        ),
    ),
    Theme(
        ("Cycling", "BikeCommute"),
        (
            "{n} kilometres {time}, headwind out and, naturally, headwind back.",
            "The cycle path {street} finally joins up. It took {n} years.",
            "Puncture outside the station in {place}. Thank you, stranger with the patches.",
            "Bike workshop {street} on {day}: {n} bicycles back on the road before winter.",
            "Seen {time}: a whole family, two trailers, a dog, all smiling.",
            "Rode to {place} and back without once looking at the computer.",
            "The bike park at the station is full, for the first time ever.",
        ),
        (
            "The brakes squeal, but they brake.",
            "Now to convince {friend}.",
            "Next ride on {day}. All welcome, nobody left behind.",
            "Lights, please. We cannot see you.",
        ),
    ),
    Theme(
        ("Journalism", "LocalNews"),
        (
            "We go to press with {n} pages instead of {n}. Nobody can find the front-page picture.",
            "Our story on the water in {place} runs on {day}. {n} months of work, {n} documents.",
            "Council {time}: the footbridge is approved, the date is not.",
            "Correction: that was {day}, not {day}. Thank you to everyone who reads closely.",
            "We are looking for people who saw the flood in {place}. Write to us in private.",
            "Open meeting {street} on {day}. There will be coffee, and maps.",
            "The council of {place} has answered our request. {n} pages out of {n} are black.",
        ),
        (
            "The article is free to read.",
            "More after the next meeting.",
            "The figures are in the table, and so is the method.",
            "Thank you to everyone who agreed to talk.",
        ),
    ),
    Theme(
        ("Weather", "Sky"),
        (
            "Fog on the river {time}; the other bank had gone.",
            "{n} millimetres since {day}. Boots are out in {place}.",
            "White frost {time}. It took {plant} by surprise.",
            "An enormous sky over {place}. Even {friend} looked up.",
            "Thunder {time}: {n} seconds after the flash, then two.",
            "First morning you can see your breath. The stove is back at work.",
            "The wind has turned. If you have washing out, you have been told.",
        ),
        (
            "The warning is lifted tonight.",
            "Grandfather’s barometer was right again.",
            "Stay warm.",
            "They say it clears on {day}.",
        ),
    ),
    Theme(
        ("Photography", "Nature"),
        (
            "{bird}, {time}, at the edge of the pond. An hour of sitting still for ten seconds.",
            "Found a film at the bottom of a bag: {n} frames of {place}, one of them sharp.",
            "Low light {street} {time}. Nothing retouched.",
            "Night walk with the photo club: {n} tripods and one lamp that works.",
            "Sorting my pictures of {place}. They turn out to be mostly {bird}.",
            "The show {street} opens on {day}. Hung {time}, nails included.",
        ),
        (
            "Described in the picture, as always.",
            "Printed in the bathroom, the old way.",
            "If anyone can name this bird, please do.",
            "The other frame is worse and I like it more.",
        ),
    ),
    Theme(
        ("Music", "Gig"),
        (
            "{instrument} practice {time}. The neighbours are saints.",
            "Concert {street} on {day}. Free; we pass a hat.",
            "Took up the {instrument} again after {n} years. The fingers remember, the lungs do not.",
            "The band in {place} needs a {instrument}. Beginners welcome.",
            "Today’s record skips at the same place it has for {n} years. I wait for the skip.",
            "Ceilidh in {place} on {day}. {friend} has promised to dance.",
        ),
        (
            "We ended on a reel, as one should.",
            "Sheet music at the door.",
            "The {instrument} was nearly in tune.",
            "I still have the tune in my head.",
        ),
    ),
    Theme(
        ("Sport", "Club"),
        (
            "{side} won in {place}, {n} to {n}, in mud and good spirits.",
            "{side} lost, but what a second half.",
            "The club needs hands on {day}: tea, scoreboard, smiles.",
            "The quay run is on {day}: {n} kilometres, soup at the end.",
            "The lido in {place} is open again {time}. The water is cold and it is ours.",
            "First training with {side}. Everything hurts and I am going back on {day}.",
        ),
        (
            "The referee was excellent. That should be said too.",
            "Lifts from {place}.",
            "The old shirt was luckier.",
            "Same rain, same time, {day}.",
        ),
    ),
    Theme(
        ("Books", "Library"),
        (
            "Finished {book} {time}. Out of things to read; advice, please.",
            "The library {street} now opens until eight on {day}s.",
            "Left {book} in the book box {street} and took three comics.",
            "Reading group on {day}: {book}. We mostly talked about other things.",
            "{n} books late, not one reproach. Thank you, librarians.",
        ),
        (
            "Best read aloud.",
            "Page {n} is worth the rest.",
            "Lent it to {friend}. I shall not see it again.",
            "Tell me what you thought.",
        ),
    ),
    Theme(
        ("Town", "Neighbours"),
        (
            "Water off {street} on {day} morning. Fill your kettles.",
            "Grey cat found {street}. It believes that it lives here.",
            "Street party on {day}: {dish}, chairs, and last year’s bunting.",
            "The bench {street} has been mended. Small victory, great comfort.",
            "Free to a good home: oak shelf, {n} boards, collect {street}.",
            "The lift at {place} station works. I mention it before it stops.",
            "Somebody has put a piano on the pavement {street}. So there is that.",
        ),
        (
            "Pass it on.",
            "Thanks to the people who were out at six.",
            "We still need {n} chairs.",
            "The street has changed a lot, and not that much.",
        ),
    ),
    Theme(
        ("FreeSoftware", "Repair"),
        (
            "Repair café {street} on {day}: {n} toasters saved, one lost.",
            "Updated the society’s server {time}. Nothing happened. That was the idea.",
            "Workshop in {place} on {day}: leaving the big platforms without losing your friends.",
            "The drill is back, so the shared toolbox is complete. A first.",
            "Documentation is being kind to {friend} in six months’ time.",
            "A computer of {n} years, a free system, and it goes on.",
        ),
        (
            "The guide is under a free licence.",
            "Backup first, obviously.",
            "Bring your odd cables.",
            "All written down for whoever is next.",
        ),
    ),
)

_ANSWERS = (
    "Thank you for this!",
    "I was there too, towards the end.",
    "What light. Well done.",
    "Same here {street}.",
    "Keep me a slice?",
    "Shall we talk about it on {day}?",
    "I do not quite agree, but it is well put.",
    "In {place} it is the other way round.",
    "Getting on my bike now.",
    "Does anyone know the exact time?",
    "This reminds me of {book}.",
    "Good idea. I shall start on {day}.",
    "{friend} told me the same.",
    "Ha, exactly.",
    "I would have said {n}, but what do I know.",
    "Can one bring children?",
    "Passing it on to the club.",
    "Lovely. Is that {place}?",
    "With {dish} it would be perfect.",
    "Courage: third time lucky.",
    "Source? Asking for {friend}.",
    "Yes please to the recipe.",
    "Noted. See you on {day}, then.",
    "You were right to wait.",
)

_CONTINUATIONS = (
    "Later: {friend} came by {time}, and it all makes sense.",
    "To be exact: it is {street}, not opposite.",
    "And to finish, {dish}. Good night.",
    "Update: it is on {day} now.",
    "Last thing, I promise: tell us if you are more than {n}.",
    "People ask where: in {place}, behind the school.",
    "Three hours later, still here, still happy.",
)

_QUESTIONS = (
    Question(
        "What shall we do for the street party?", ("A dance", "A shared meal", "A tournament", "Just talk")
    ),
    Question("Where should the compost bin go?", ("The yard", "The street", "The roof")),
    Question(
        "You read the paper…", ("in the morning", "at night", "while doing something else"), multiple=True
    ),
    Question("Soup: smooth or with bits?", ("Smooth", "With bits")),
    Question("Ride on {day}: when do we leave?", ("7, we are serious", "9", "After coffee")),
    Question("What does the reading group read next?", ("A novel", "An essay", "A comic", "Poetry")),
    Question("Which days for the market?", ("Tuesday", "Thursday", "Saturday", "Sunday"), multiple=True),
)

_WARNED = (
    ("Food", "{dish}, served {street}. I have not recovered."),
    ("Match result", "{side}: {n} to {n}. Now you know."),
    (
        "The end of the reading group’s novel",
        "So the letter was in the atlas all along. I read page {n} three times.",
    ),
    ("Spider (described, not shown)", "She has lived behind the letter box since {day}. Her name is Hilda."),
    ("Local politics", "The footbridge will cost {n} times the estimate. Shall we talk about it on {day}?"),
    ("Health, nothing bad", "A splint for {n} days. I type with one hand; be kind."),
)

_PRIVATE = (
    "Do you still have the key to the hall? I need it on {day}.",
    "I am sending the pictures tonight; there are {n}.",
    "Between us, I think {friend} is planning a surprise.",
    "Thank you for yesterday. It did me good.",
    "Could you read my text before {day}? Two pages.",
    "Shall we meet {street} at six?",
)

_ASIDES = (
    "For followers only: a hard day, but {dish} tonight.",
    "Off to {place} for {n} days. Do not tell the cat.",
    "Thinking of taking up the {instrument} again. Say yes.",
    "End-of-week tired. Reading {book} under a blanket.",
)

_BIOS = (
    "Garden, bicycle, soup. I answer slowly and always.",
    "Librarian. The opinions are mine, the books are everybody’s.",
    "Local reporter. You write, I check, we publish.",
    "Takes pictures on Sundays, and sometimes on Mondays. Always described.",
    "Market gardener. At the stall on Saturdays, in the mud otherwise.",
    "Primary teacher, brass band, jam.",
    "I mend what can be mended. Repair café every other Saturday.",
    "Retired from the railways; never late.",
    "Patient about birds. Less so about coffee.",
    "Translator. I weigh my words, the small ones most.",
    "Carpenter. Shavings, friends, running.",
    "Student of hydrology: rivers, maps, rain.",
)

_PICTURES = {
    "shore": "A bay at sunset, blue hills far off and one sail on the water.",
    "reeds": "Reeds leaning over a still pond under a pale moon.",
    "roofs": "Tiled roofs close together down a sloping street, some windows lit.",
    "stall": "A market stall: red, orange and green fruit in neat rows.",
    "flowers": "A bed of round, long-stemmed flowers in front of a pale wall.",
    "wheel": "A bicycle leaning against a wall, both wheels in the light.",
    "peaks": "Three snowy mountains mirrored in a lake.",
    "night": "A sky full of stars above a line of black trees.",
}

ENGLISH = Wording(
    "en", _SLOTS, _THEMES, _ANSWERS, _CONTINUATIONS, _QUESTIONS, _WARNED, _PRIVATE, _ASIDES, _BIOS, _PICTURES
)
