"""The words of the template: Annex I of Implementing Regulation (EU) 2024/2835, for a site like ours."""

#: Our reasons, in the categories and keywords of the regulation's template.
REASONS = {
    "csam": ("PROTECTION_OF_MINORS", "CHILD_SEXUAL_ABUSE_MATERIAL"),
    "threat_to_life": ("VIOLENCE", "COORDINATED_HARM"),
    "terrorism": ("RISK_FOR_PUBLIC_SECURITY", "TERRORIST_CONTENT"),
    "threat": ("VIOLENCE", "COORDINATED_HARM"),
    "incitement": ("ILLEGAL_OR_HARMFUL_SPEECH", "HATE_SPEECH"),
    "private_data": ("DATA_PROTECTION_AND_PRIVACY_VIOLATIONS", "OTHER"),
    "intimate_images": ("CYBER_VIOLENCE", "NON_CONSENSUAL_IMAGE_SHARING"),
    "minors": ("PROTECTION_OF_MINORS", "OTHER"),
    "self_harm": ("SELF_HARM", "OTHER"),
    "hate": ("ILLEGAL_OR_HARMFUL_SPEECH", "HATE_SPEECH"),
    "harassment": ("CYBER_VIOLENCE", "CYBER_HARASSMENT"),
    "illegal": ("OTHER_VIOLATION_TC", "OTHER"),
    "rule": ("OTHER_VIOLATION_TC", "OTHER"),
    "scam": ("SCAMS_AND_FRAUD", "OTHER"),
    "impersonation": ("SCAMS_AND_FRAUD", "IMPERSONATION_ACCOUNT_HIJACKING"),
    "copyright": ("INTELLECTUAL_PROPERTY_INFRINGEMENTS", "COPYRIGHT_INFRINGEMENT"),
    "spam": ("OTHER_VIOLATION_TC", "OTHER"),
    "misinformation": ("NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS", "MISINFORMATION_DISINFORMATION"),
    "other": ("OTHER_VIOLATION_TC", "OTHER"),
}
#: When a case of a lane has to have been seen, and when decided, in milliseconds after its receipt.
LANES = {
    "S0": (900_000, 3_600_000), "S1": (3_600_000, 14_400_000), "S2": (43_200_000, 86_400_000),
    "S3": (86_400_000, 172_800_000), "S4": (172_800_000, 259_200_000),
}  # fmt: skip
#: A decision can be taken back within this time; then it was none.
UNDO = 30_000
#: A letter that is later than this is late, in seconds.
LATE = 600

# The template's categories, each with its keywords; those without a keyword of theirs count as OTHER.
_TREE = """
ANIMAL_WELFARE Animal welfare| ANIMAL_HARM Animal harm| UNLAWFUL_SALE_ANIMALS Unlawful sale of animals
CONSUMER_INFORMATION Consumer information infringements| HIDDEN_ADVERTISEMENT Hidden advertisement\
| INSUFFICIENT_INFORMATION_ON_TRADERS Insufficient information on traders\
| MISLEADING_INFO_GOODS_SERVICES Misleading information about goods and services\
| MISLEADING_INFO_CONSUMER_RIGHTS Misleading information about the consumer’s rights\
| NONCOMPLIANCE_PRICING Non-compliance with pricing regulations
CYBER_VIOLENCE Cyber violence| CYBER_BULLYING_INTIMIDATION Cyber bullying and intimidation\
| CYBER_HARASSMENT Cyber harassment| CYBER_INCITEMENT Cyber incitement to hatred or violence\
| CYBER_STALKING Cyber stalking| NON_CONSENSUAL_IMAGE_SHARING Non-consensual sharing of intimate material\
| NON_CONSENSUAL_MATERIAL_DEEPFAKE Non-consensual sharing of deepfakes
CYBER_VIOLENCE_AGAINST_WOMEN Cyber violence against women| BULLYING_AGAINST_GIRLS Bullying of girls\
| CYBER_HARASSMENT_AGAINST_WOMEN Cyber harassment against women\
| CYBER_STALKING_AGAINST_WOMEN Cyber stalking against women\
| FEMALE_GENDERED_DISINFORMATION Gendered disinformation\
| INCITEMENT_AGAINST_WOMEN Incitement to violence and hatred against women\
| NON_CONSENSUAL_IMAGE_SHARING_AGAINST_WOMEN Non-consensual sharing of intimate material of women\
| NON_CONSENSUAL_MATERIAL_DEEPFAKE_AGAINST_WOMEN Non-consensual sharing of deepfakes of women
DATA_PROTECTION_AND_PRIVACY_VIOLATIONS Data protection and privacy violations\
| BIOMETRIC_DATA_BREACH Biometric data breach| DATA_FALSIFICATION Data falsification\
| MISSING_PROCESSING_GROUND Missing processing ground for data| RIGHT_TO_BE_FORGOTTEN Right to be forgotten
ILLEGAL_OR_HARMFUL_SPEECH Illegal or harmful speech| DEFAMATION Defamation| DISCRIMINATION Discrimination\
| HATE_SPEECH Incitement to violence and hatred based on protected characteristics
INTELLECTUAL_PROPERTY_INFRINGEMENTS Intellectual property infringements\
| COPYRIGHT_INFRINGEMENT Copyright infringements| DESIGN_INFRINGEMENT Design infringements\
| GEOGRAPHIC_INDICATIONS_INFRINGEMENT Geographical indications infringements\
| PATENT_INFRINGEMENT Patent infringements| TRADE_SECRET_INFRINGEMENT Trade secret infringements\
| TRADEMARK_INFRINGEMENT Trademark infringements
NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS Negative effects on civic discourse or elections\
| MISINFORMATION_DISINFORMATION Misinformation, disinformation, foreign interference\
| VIOLATION_EU_LAW Violation of EU law on elections\
| VIOLATION_NATIONAL_LAW Violation of national law on elections
PROTECTION_OF_MINORS Protection of minors\
| AGE_SPECIFIC_RESTRICTIONS_MINORS Age-specific restrictions for minors\
| CHILD_SEXUAL_ABUSE_MATERIAL Child sexual abuse material\
| CHILD_SEXUAL_ABUSE_MATERIAL_DEEPFAKE Child sexual abuse material with deepfakes\
| GROOMING_SEXUAL_ENTICEMENT_MINORS Grooming of minors| UNSAFE_CHALLENGES Unsafe challenges
RISK_FOR_PUBLIC_SECURITY Risk for public security| ILLEGAL_ORGANIZATIONS Illegal organizations\
| RISK_ENVIRONMENTAL_DAMAGE Risk for environmental damage| RISK_PUBLIC_HEALTH Risk for public health\
| TERRORIST_CONTENT Terrorist content
SCAMS_AND_FRAUD Scams and/or fraud| IMPERSONATION_ACCOUNT_HIJACKING Impersonation or account hijacking\
| INAUTHENTIC_ACCOUNTS Inauthentic accounts| INAUTHENTIC_LISTINGS Inauthentic listings\
| INAUTHENTIC_USER_REVIEWS Inauthentic user reviews| PHISHING Phishing| PYRAMID_SCHEMES Pyramid schemes
SELF_HARM Self-harm| CONTENT_PROMOTING_EATING_DISORDERS Content promoting eating disorders\
| SELF_MUTILATION Self-mutilation| SUICIDE Suicide
UNSAFE_AND_PROHIBITED_PRODUCTS Unsafe, non-compliant or prohibited products\
| PROHIBITED_PRODUCTS Prohibited or restricted products| UNSAFE_PRODUCTS Unsafe or non-compliant products
VIOLENCE Violence| COORDINATED_HARM Coordinated harm\
| INCITEMENT_VIOLENCE_HATRED General calls or incitement to violence and/or hatred\
| HUMAN_EXPLOITATION Human exploitation| HUMAN_TRAFFICKING Human trafficking\
| TRAFFICKING_WOMEN_GIRLS Trafficking in women and girls
OTHER_VIOLATION_TC Other violation of the provider’s terms and conditions\
| ADULT_SEXUAL_MATERIAL Adult sexual material| AGE_SPECIFIC_RESTRICTIONS Age-specific restrictions\
| GEOGRAPHICAL_REQUIREMENTS Geographical requirements\
| GOODS_SERVICES_NOT_PERMITTED Goods/services not permitted on the platform\
| LANGUAGE_REQUIREMENTS Language requirements| NUDITY Nudity
"""
UNNAMED = "Not captured by any other sub-category"
TREES = [
    [part.strip().partition(" ")[::2] for part in line.split("|")] for line in _TREE.strip().splitlines()
]
KEYWORDS = {tree[0][0]: {name for name, _ in tree[1:]} for tree in TREES}

MEASURES = (
    "Number of measures taken at the provider's own initiative ",
    "Number of measures taken after detection with solely automated means ",
    "Visibility restriction Removal", "Visibility restriction Disable", "Visibility restriction Demoted",
    "Visibility restriction Age restricted", "Visibility restriction Interaction restricted",
    "Visibility restriction Labelled ", "Visibility restriction Other", "Monetary restriction Suspension",
    "Monetary restriction Termination", "Monetary restriction Other", "Provision of the service Suspension",
    "Provision of the service Termination", "Account restriction Suspension",
    "Account restriction Termination",
)  # fmt: skip
NOTICES = tuple(
    name + flagged
    for name in (
        "Number of notices received",
        "Number of specific items of information included in the total number of notices",
        "Median time to take action", "Number of actions taken on the basis of the law",
        "Number of actions taken on the basis of the terms and conditions of the service",
    )
    for flagged in ("", " (Trusted Flagger notices)")
)  # fmt: skip
_ACT, _INFORM = "the order to act against illegal content", "the order to provide information"
ORDERS = (
    "Number of orders to act against illegal content received",
    "Number of specific items of information included in the total number of orders to act against illegal"
    " content",
    f"Median time to inform the authority of the receipt of {_ACT}", f"Median time to give effect to {_ACT}",
    "Number of orders to provide information",
    f"Median time to inform the authority of the receipt of {_INFORM}",
    f"Median time to give effect to {_INFORM}",
)  # fmt: skip
#: How the template spells what our names say more regularly.
SPELLED = {
    NOTICES[0]: "Number of notices received ",
    NOTICES[1]: "Number of notices received from Trusted flaggers",
    NOTICES[3]: f"{NOTICES[2]} by Trusted Flaggers (Trusted Flagger notices)",
}
#: What a measure is in the template; those that are not here restrict nothing.
RESTRICTIONS = {
    "remove": "Visibility restriction Removal", "hold": "Visibility restriction Disable",
    "limit": "Visibility restriction Demoted", "interstitial": "Visibility restriction Other",
    "label": "Visibility restriction Labelled ", "freeze": "Provision of the service Suspension",
    "pause_notices": "Provision of the service Suspension", "suspend": "Account restriction Suspension",
    "domain_limit": "Visibility restriction Demoted", "domain_reject_media": "Visibility restriction Disable",
    "domain_suspend": "Visibility restriction Disable",
}  # fmt: skip
ALL = "All"
HOSTS = "Only for providers of hosting services, including online platforms"
PLATFORMS = "Only for providers of online platforms"
LARGE = "Only for VLOPs"
_ABOUT = "Complaint regarding a decision "
#: What was decided, as complaints about it are counted; each has a place.
COMPLAINTS = (
    "Number of complaints submitted to the internal-complaints mechanism",
    f"{_ABOUT}to remove or disable access to or restrict visibility of information",
    f"{_ABOUT}to suspend or terminate the provision of the service",
    f"{_ABOUT}to suspend or terminate an account ",
    f"{_ABOUT}to restrict the ability to monetise information",
    f"{_ABOUT}not to take action on a notice submitted in accordance with Article 16",
    f"{_ABOUT}not to take action on a notice submitted by a Trusted Flagger in accordance with Article 16",
)
OUTCOMES = {
    "refused": "Decisions upheld", "partly": "Decisions partially reversed", "granted": "Decisions reversed",
    "lapsed": "Decisions reversed",
}  # fmt: skip
#: What the software can say by itself; the people of a site may say it better, in `texts` of about.json.
TEXTS = {
    "Summary of the content moderation engaged in at the providers’ own initiative": (
        "Moderators decide about what they see themselves by the same rules as about notices: each decision"
        " names a rule or a law and the facts, is told to its author with its reasons, and can be appealed"
        " for six months."
    ),
    "Meaningful and comprehensible information regarding content moderation engaged in at the providers' own"
    " initiative": (
        "Measures from mild to hard: reminder, label, warning in front, removal, limited reach, no posting"
        " for a time, suspension. A suspension for good takes two people where the team has two. All can be"
        " reversed."
    ),
    "Qualitative description of the automated means": "Machines decide on no content and on no account.",
    "Qualitative description of indicators of accuracy and possible rate of error of automated means": (
        "Does not apply: machines decide on nothing."
    ),
    "Specification of the precise purposes to apply automated means": (
        "Notices about the same thing are joined, and put into an order by the time that is left for them."
    ),
    "Safeguards applied to the use of automated means": (
        "Only a person restricts somebody for longer than a day. What holds something back in the meantime"
        " ends by itself after 24 hours."
    ),
}
#: Behind the first figure of a column.
EXPLAINED = {
    NOTICES[
        0
    ]: "By anybody, through every channel but orders, letters of hosts and the team's own initiative",
    NOTICES[4]: "In hours, from a notice to the decision on its case",
    NOTICES[
        6
    ]: "Measures decided on notices; those without a restriction, such as reminders, are not counted",
    ORDERS[2]: "Not recorded by the software",
    ORDERS[3]: "In hours, from the order to the decision on its case",
    ORDERS[5]: "Not recorded by the software",
    ORDERS[6]: "In hours, from the order to the answer",
}
#: Channels of what counts as a notice (DSA art. 16).
NOTIFIED = frozenset(("in_app", "web", "mail", "arf", "xarf", "ap_flag", "trusted_flagger"))
#: Orders that ask for an action against content, and for information.
ORDERING, INFORMING = ("tco", "ofac", "dsa_9"), ("dsa_10",)
