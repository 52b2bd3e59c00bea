"""What the demo's people say in French."""

from roseau.cli.demo.wording import Question, Theme, Wording, typeset_all

_SLOTS = {
    "place": (
        "Douarnenez", "Lannion", "Roubaix", "Forcalquier", "Sète", "Cluny", "Saint-Malo", "Foix",
        "Besançon", "Crest", "Tulle", "Morlaix", "Redon", "Die",
    ),
    "street": (
        "rue des Tanneurs", "sur le quai Nord", "place de l’Église", "rue Basse", "passage du Moulin",
        "avenue de la Gare", "rue du Four", "au coin de la rue Haute", "sous les halles",
        "rue des Lavandières",
    ),
    "day": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    "time": ("ce matin", "à midi", "en fin d’après-midi", "hier soir", "au petit jour", "avant l’averse"),
    "dish": (
        "une soupe de potimarron", "une tarte aux blettes", "un gratin de cardons", "des crêpes au sarrasin",
        "une ratatouille", "un clafoutis aux mirabelles", "des lentilles aux carottes", "un far aux pruneaux",
    ),
    "goods": (
        "des girolles à bon prix", "les premières clémentines", "un comté de dix-huit mois",
        "des maquereaux tout frais", "trois kilos de quetsches", "du miel de bruyère", "un panier de cèpes",
        "des poires à cuire", "un bouquet d’anémones",
    ),
    "plant": (
        "les tomates cerises", "les fèves", "les capucines", "les courges", "les dahlias", "les poireaux",
        "les cosmos", "les haricots grimpants", "les iris", "les framboisiers",
    ),
    "bird": (
        "une aigrette", "un martin-pêcheur", "deux hérons", "une chouette hulotte", "un couple de mésanges",
        "trois cormorans", "un rouge-gorge très sûr de lui", "une bergeronnette",
    ),
    "instrument": ("violon", "basson", "banjo", "violoncelle", "piano", "biniou", "saxophone"),
    "book": (
        "un vieux Simenon", "un recueil de nouvelles", "un atlas de 1931", "une histoire des canaux",
        "un roman de mer", "la biographie d’une astronome", "un manuel de reliure",
    ),
    "side": ("les benjamines", "les vétérans", "l’équipe réserve", "les juniors", "les anciennes"),
    "n": tuple(str(n) for n in (2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 16, 18, 23, 27, 31, 42)),
    "friend": ("ma voisine", "mon frère", "une amie", "un collègue", "ma tante", "mon libraire",
    "la boulangère"),
}  # fmt: skip

_THEMES = (
    Theme(
        ("Marché", "Cuisine"),
        (
            "Au marché de {place} {time} : {goods}, et la queue jusqu’à la fontaine.",
            "Revenue du marché avec {goods} et pas du tout ce qu’il y avait sur la liste.",
            "Le maraîcher de {place} arrête à la fin du mois. {n} ans que je lui achète {plant}.",
            "Ce soir, {dish}. La recette tient en quatre lignes, la vaisselle beaucoup moins.",
            "Qui a une bonne adresse pour {goods} du côté de {place} ?",
            "{n} bocaux remplis {time}, étiquetés, rangés. L’hiver peut venir.",
            "J’ai raté {dish} pour la troisième fois. On l’a mangée quand même.",
            "Le café {street} sert de nouveau {dish} le {day}. Je dis ça, je ne dis rien.",
        ),
        (
            "Il en reste pour qui passe avant ce soir.",
            "Recette sur demande, elle vient de {friend}.",
            "Prochaine fois : {dish}.",
            "Tout était parti à onze heures.",
            "Le secret, c’est de ne surtout pas se presser.",
        ),
    ),
    Theme(
        ("Jardin", "Potager"),
        (
            "Au jardin partagé, {plant} ont pris d’un coup après la pluie de {day}.",
            "Récolte du jour : {n} courgettes. Je cherche des volontaires.",
            "Les limaces ont trouvé {plant}. Je leur souhaite une mauvaise digestion.",
            "Semis faits {time} sous le châssis. Rendez-vous dans {n} jours.",
            "Quelqu’un a-t-il déjà bouturé {plant} en cette saison ?",
            "{bird} sur le tas de compost, {time}. Nous nous sommes regardés longtemps.",
            "Le puits du jardin est de nouveau plein, pour la première fois depuis {n} mois.",
            "Bourse aux graines {day} {street} : apportez ce que vous avez, repartez avec autre chose.",
        ),
        (
            "Paillage épais, arrosage le soir, et de la patience.",
            "{friend} dit que c’est trop tôt. On verra bien.",
            "Photo dès qu’il y aura quelque chose à montrer.",
            "Je note tout dans le cahier, comme chaque année.",
            "J’ai des plants en trop si cela tente quelqu’un.",
        ),
    ),
    Theme(
        ("Vélo", "VéloTaf"),
        (
            "{n} kilomètres {time}, vent de face à l’aller et, évidemment, au retour aussi.",
            "La piste {street} est enfin continue. Il aura fallu {n} ans.",
            "Crevaison devant la gare de {place}. Merci à l’inconnu qui avait des rustines.",
            "Atelier vélo {day} {street} : on remet {n} bicyclettes sur la route avant l’hiver.",
            "Vu {time} : une famille entière, deux remorques, un chien, et le sourire.",
            "Nouveau record personnel : {place} aller et retour sans regarder le compteur.",
            "Le garage à vélos de la gare affiche complet pour la première fois.",
        ),
        (
            "Les freins couinent, mais ils freinent.",
            "Reste à convaincre {friend}.",
            "Prochaine sortie {day}, tout le monde est bienvenu, personne n’est laissé derrière.",
            "Pensez aux lumières, on ne vous voit pas.",
        ),
    ),
    Theme(
        ("Presse", "Local"),
        (
            "À la rédaction, on boucle à {n} pages au lieu de {n}. Personne n’a retrouvé la photo de une.",
            "Notre enquête sur l’eau à {place} sort {day}. {n} mois de travail, {n} documents.",
            "Conseil municipal {time} : la passerelle est votée, la date ne l’est pas.",
            "Le correctif est en ligne : c’était {day} et non {day}. Merci à celles et ceux qui relisent.",
            "Nous cherchons des témoins de la crue de {place}. Écrivez-nous en privé.",
            "Débat public {street} {day} : venez, il y aura du café et des cartes.",
            "La mairie de {place} a répondu à notre demande de documents. En noircissant {n} pages sur {n}.",
        ),
        (
            "L’article est en accès libre.",
            "La suite au prochain conseil.",
            "Les chiffres sont dans le tableau, les méthodes aussi.",
            "Merci à toutes les personnes qui ont accepté de parler.",
        ),
    ),
    Theme(
        ("Météo", "Ciel"),
        (
            "Brume sur la rivière {time}, on ne voyait plus l’autre rive.",
            "{n} millimètres depuis {day}. Les bottes sont de sortie à {place}.",
            "Gelée blanche {time}, {plant} n’ont rien vu venir.",
            "Ciel immense au-dessus de {place}. Même {friend} a levé les yeux.",
            "Orage {time} : {n} secondes entre l’éclair et le tonnerre, puis deux.",
            "Premier matin où l’on voit son souffle. Le poêle a repris du service.",
            "Le vent a tourné. Ceux qui ont du linge dehors sont prévenus.",
        ),
        (
            "La vigilance est levée ce soir.",
            "Le baromètre de grand-père avait raison, lui.",
            "Restez au chaud.",
            "Il paraît que cela se dégage {day}.",
        ),
    ),
    Theme(
        ("Photo", "Nature"),
        (
            "{bird}, {time}, au bord de l’étang. Une heure sans bouger pour dix secondes.",
            "Pellicule retrouvée au fond d’un sac : {n} vues de {place}, dont une nette.",
            "Lumière rasante {street} {time}. Je n’ai rien retouché.",
            "Sortie de nuit avec le club photo : {n} trépieds et une seule lampe qui marche.",
            "Je classe mes images de {place}. Il y a surtout {bird}, en fait.",
            "Exposition {day} {street}, accrochage fini {time}, clous compris.",
        ),
        (
            "Description dans l’image, comme toujours.",
            "Tirage à l’ancienne, dans la salle de bains.",
            "Si quelqu’un sait nommer cet oiseau, je prends.",
            "L’autre image est ratée, mais je l’aime mieux.",
        ),
    ),
    Theme(
        ("Musique", "Concert"),
        (
            "Répétition de {instrument} {time}. Les voisins sont formidables.",
            "Concert {day} {street}, entrée libre, on passe le chapeau.",
            "J’ai repris le {instrument} après {n} ans. Les doigts se souviennent, le souffle non.",
            "La fanfare de {place} cherche un {instrument}, débutants acceptés, mauvaise foi tolérée.",
            "Disque du jour : un vieux 33 tours qui saute au même endroit depuis {n} ans. J’attends le saut.",
            "Bal {day} à {place}. {friend} a promis de danser.",
        ),
        (
            "On a fini par la bourrée, comme il se doit.",
            "Partitions à prendre sur place.",
            "Le {instrument} était presque juste.",
            "J’ai encore l’air en tête.",
        ),
    ),
    Theme(
        ("Sport", "Club"),
        (
            "Victoire pour {side} à {place}, {n} à {n}, dans la boue et la bonne humeur.",
            "Défaite pour {side}, mais quelle deuxième mi-temps.",
            "Le club cherche des bénévoles pour {day} : buvette, table de marque, sourires.",
            "Course des quais {day} : {n} kilomètres, soupe à l’arrivée.",
            "Piscine de {place} rouverte {time}. L’eau est froide, le bassin est à nous.",
            "Premier entraînement avec {side}. J’ai mal partout et j’y retourne {day}.",
        ),
        (
            "L’arbitre a été parfait, il faut le dire aussi.",
            "Covoiturage depuis {place}.",
            "Le maillot d’avant portait bonheur.",
            "Rendez-vous {day}, même pluie, même heure.",
        ),
    ),
    Theme(
        ("Lecture", "Bibliothèque"),
        (
            "Fini {book} {time}. Je ne sais plus quoi lire, donc j’écoute vos conseils.",
            "La bibliothèque {street} ouvre désormais le {day} jusqu’à vingt heures.",
            "Boîte à livres {street} : j’ai laissé {book}, j’ai pris trois bandes dessinées.",
            "Club de lecture {day} : {book}. On a surtout parlé d’autre chose.",
            "{n} livres rendus en retard, zéro reproche. Merci aux bibliothécaires.",
        ),
        (
            "À lire à voix haute.",
            "La page {n} vaut tout le reste.",
            "Prêté à {friend}, je ne le reverrai pas.",
            "Vos avis m’intéressent.",
        ),
    ),
    Theme(
        ("Ville", "Quartier"),
        (
            "Coupure d’eau {street} {day} matin, remplissez vos carafes.",
            "Chat gris trouvé {street}. Il a l’air de se croire chez lui.",
            "Fête des voisins {day} : {dish}, des chaises, et la guirlande de l’an dernier.",
            "Le banc {street} est réparé. Petite victoire, grand confort.",
            "Donne étagère en chêne, {n} planches, à venir chercher {street}.",
            "L’ascenseur de la gare de {place} remarche. Je préfère le dire avant qu’il ne s’arrête.",
            "Le marchand de journaux {street} a mis un piano sur le trottoir. Voilà.",
        ),
        (
            "Faites passer.",
            "Merci aux équipes qui étaient là à six heures.",
            "On manque encore de {n} chaises.",
            "Le quartier a bien changé, et pas tant que cela.",
        ),
    ),
    Theme(
        ("LogicielLibre", "Bricolage"),
        (
            "Café réparation {day} {street} : {n} grille-pain sauvés, un seul perdu.",
            "J’ai mis à jour le serveur de l’association {time}. Il ne s’est rien passé. C’était le but.",
            "Initiation {day} à {place} : quitter les grandes plateformes sans perdre ses amis.",
            "La perceuse est revenue, la boîte à outils partagée est complète. Fait historique.",
            "Documenter, c’est penser à {friend} dans six mois.",
            "Vieil ordinateur de {n} ans, système libre, il repart pour un tour.",
        ),
        (
            "Le guide est sous licence libre.",
            "Sauvegarde faite avant, évidemment.",
            "Apportez vos câbles bizarres.",
            "Tout est noté pour les suivants.",
        ),
    ),
)

_ANSWERS = (
    "Merci pour l’info !",
    "Ah, j’y étais aussi, vers la fin.",
    "Très belle lumière, bravo.",
    "Je confirme, même chose {street}.",
    "Tu me gardes une part ?",
    "On en reparle {day} ?",
    "Je ne suis pas tout à fait d’accord, mais c’est bien dit.",
    "Chez nous à {place}, c’est l’inverse.",
    "Je prends le vélo et j’arrive.",
    "Quelqu’un a l’horaire exact ?",
    "Cela me rappelle {book}.",
    "Bonne idée, je m’y mets {day}.",
    "{friend} m’a raconté la même chose.",
    "Haha, exactement.",
    "J’aurais dit {n}, mais je ne suis pas spécialiste.",
    "On peut venir avec des enfants ?",
    "Je transmets au club.",
    "Superbe. C’est à {place} ?",
    "Et avec {dish}, ce serait parfait.",
    "Courage, la troisième fois est la bonne.",
    "Source ? Je demande pour {friend}.",
    "Oh oui, je veux bien la recette.",
    "C’est noté, à {day} alors.",
    "Tu as bien fait d’attendre.",
)

_CONTINUATIONS = (
    "Suite : {friend} m’a tout expliqué {time}.",
    "J’ajoute une précision : c’est bien {street}, pas en face.",
    "Et pour finir, {dish}. Bonne soirée.",
    "Mise à jour : c’est reporté à {day}.",
    "Dernier point, promis : pensez à prévenir si vous venez à plus de {n}.",
    "On me demande où : à {place}, derrière l’école.",
    "Trois heures plus tard, toujours là, toujours content.",
)

_QUESTIONS = (
    Question(
        "Pour la fête du quartier, on fait quoi ?",
        ("Un bal", "Un repas partagé", "Un tournoi", "Rien, on parle"),
    ),
    Question("Le composteur de l’immeuble, on le met où ?", ("Côté cour", "Côté rue", "Sur le toit")),
    Question("Vous lisez le journal…", ("le matin", "le soir", "en faisant autre chose"), multiple=True),
    Question("La soupe : mixée ou avec des morceaux ?", ("Mixée", "Avec des morceaux")),
    Question("Sortie vélo de {day}, quel départ ?", ("7 h, on est sérieux", "9 h", "Après le café")),
    Question("Prochaine lecture du club ?", ("Un roman", "Un essai", "Une bande dessinée", "De la poésie")),
    Question("Quels jours pour le marché ?", ("Mardi", "Jeudi", "Samedi", "Dimanche"), multiple=True),
)

_WARNED = (
    ("Nourriture", "{dish}, servi {street}. Je n’en suis pas encore remis."),
    ("Résultat du match", "{side} : {n} à {n}. Voilà, vous savez."),
    (
        "Fin du roman du club",
        "Donc la lettre était dans l’atlas depuis le début. J’ai relu la page {n} trois fois.",
    ),
    (
        "Araignée (décrite, pas montrée)",
        "Elle habite derrière la boîte aux lettres depuis {day}. Je l’ai appelée Huguette.",
    ),
    ("Politique locale", "La passerelle coûtera {n} fois le devis. On en parle {day} au conseil ?"),
    ("Santé, rien de grave", "Attelle pour {n} jours. Je tape d’une main, soyez indulgents."),
)

_PRIVATE = (
    "Tu as toujours la clé du local ? J’en ai besoin {day}.",
    "Je t’envoie les photos ce soir, il y en a {n}.",
    "Entre nous, je crois que {friend} prépare une surprise.",
    "Merci pour hier, cela m’a fait du bien.",
    "Tu peux relire mon texte avant {day} ? Deux pages.",
    "On se retrouve {street} à dix-huit heures ?",
)

_ASIDES = (
    "Pour mes abonnés seulement : journée difficile, mais {dish} ce soir.",
    "Je pars {n} jours à {place}. Ne le dites pas au chat.",
    "J’hésite à reprendre le {instrument}. Dites-moi oui.",
    "Fatigue de fin de semaine. Je lis {book} sous la couette.",
)

_BIOS = (
    "Jardin, vélo, soupe. Je réponds lentement et toujours.",
    "Bibliothécaire. Les opinions sont les miennes, les livres sont à tout le monde.",
    "Journaliste locale. On m’écrit, je recoupe, je publie.",
    "Photographe du dimanche, et parfois du lundi. Descriptions toujours.",
    "Maraîchère bio. Au marché le samedi, dans la boue le reste du temps.",
    "Institutrice, fanfare, confitures.",
    "Je répare ce qui peut l’être. Café réparation un samedi sur deux.",
    "Retraité des chemins de fer, jamais en retard.",
    "Ornithologie patiente. Café moins patient.",
    "Traductrice. Je pèse mes mots, surtout les petits.",
    "Menuisier. Copeaux, copains, course à pied.",
    "Étudiante en hydrologie : les rivières, les cartes, la pluie.",
)

_PICTURES = {
    "shore": "Une baie au soleil couchant, des collines bleues au loin et une voile sur l’eau.",
    "reeds": "Des roseaux penchés au bord d’un étang calme, sous une lune pâle.",
    "roofs": "Des toits de tuiles serrés le long d’une rue en pente, quelques fenêtres allumées.",
    "stall": "Un étal de marché : des fruits rouges, orange et verts en rangées bien alignées.",
    "flowers": "Un parterre de fleurs rondes, hautes sur tige, devant un mur clair.",
    "wheel": "Une bicyclette appuyée contre un mur, ses deux roues dans la lumière.",
    "peaks": "Trois montagnes enneigées se reflètent dans un lac.",
    "night": "Un ciel d’étoiles au-dessus d’une ligne d’arbres noirs.",
}

_WORDING = Wording(
    "fr", _SLOTS, _THEMES, _ANSWERS, _CONTINUATIONS, _QUESTIONS, _WARNED, _PRIVATE, _ASIDES, _BIOS, _PICTURES
)
FRENCH = typeset_all(_WORDING)
