"""Words that the grammar of clauses knows: colours, numbers, properties, verbs, people, places, relations, styles.

Everything else is taken for a noun. The lists are short on purpose: they hold what prompts of pictures are made of.
"""

from __future__ import annotations

from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COLOURS: Mapping[str, str] = {
    **{
        name: name
        for name in _words("""
            red orange yellow green blue purple pink brown black white gray cyan turquoise teal gold silver beige maroon
            violet magenta tan navy crimson scarlet ivory lavender indigo khaki bronze burgundy peach mint azure ruby
            emerald multicolored colorful rainbow amber aqua charcoal copper cream lilac mustard olive blond
        """)
    },
    "grey": "gray", "golden": "gold", "multicolor": "multicolored", "multi-colored": "multicolored",
    "multicoloured": "multicolored", "colourful": "colorful", "blonde": "blond", "silvery": "silver",
    "reddish": "red", "greenish": "green", "bluish": "blue", "yellowish": "yellow",
}  # fmt: skip
"""Names of colours, each with the one that it is stored as."""

NOUN_COLOURS = _words("""
orange gold silver peach mint ruby emerald rainbow cream olive mustard copper bronze amber charcoal violet lavender
lilac tan navy
""")
"""Colours that also name things: a colour only where a thing follows."""

SHADES = _words("dark light bright pale deep pastel neon hot vivid dull soft rich muted warm cool")
"""Words that belong to the colour behind them."""

NUMBERS: Mapping[str, int] = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19, "twenty": 20,
    "single": 1, "dozen": 12, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100,
}  # fmt: skip
NUMBER_WORDS: Mapping[int, str] = {
    value: name for name, value in NUMBERS.items() if name not in ("single", "dozen")
}

DETERMINERS = _words("""
a an the this that these those another any his her its their my your our someone's both each every all some several
many few multiple various numerous other more most lots
""")
"""Words that open a thing; numbers that nobody can check are among them."""

DEFINITE = _words("the this that these those his her its their both")
"""Those of them that may speak of something named before."""

PRONOUNS = _words("""
it he she they we you i him them us me itself himself herself themselves something nothing everything anything who whom
whose there which what
""")
UNNAMED = _words("someone somebody everyone everybody anyone anybody")
AUXILIARIES = _words("""
is are was were be been being am has have had do does did will would can could may might must
""")
NEGATIONS = _words("no without not never neither nor isn't aren't wasn't weren't doesn't don't cannot can't")
CONJUNCTIONS = _words("and or but while as plus & then so because although though when where if than")
ADVERBS = _words("""
very quite too also just only still together here away forward apart upwards downwards upward downward slowly ahead
almost nearly partially fully half completely entirely now today already always once well far yet back out
""")
PREPOSITIONS = _words("""
in on at of with by from to for into onto over under above below beside besides near behind before after between
through across along around against among amid inside outside beneath underneath toward towards upon within past about
during via off beyond per throughout alongside atop featuring containing including wearing up down like underwater
""")

ADJECTIVES = _words("""
big large small little tiny huge giant enormous gigantic massive miniature mini tall short long wide narrow thick thin
high low deep shallow fat slim skinny heavy oversized medium full-length colossal petite wooden metallic metal plastic
glass leather rubber fabric fluffy stone brick concrete marble ceramic paper cardboard silk velvet cotton wool woolen
steel iron porcelain clay crystal satin denim lace straw wicker bamboo smooth rough soft hard shiny glossy matte furry
hairy fuzzy slimy sticky wet dry spiky prickly jagged bumpy wrinkled grainy sleek sparkling glittering transparent
translucent opaque reflective knitted woven crunchy crispy crisp creamy juicy plump tangy savory savoury sweet bitter
sour salty spicy round square circular rectangular triangular oval oblong spherical cubic cubical conical cylindrical
pyramidal pentagonal hexagonal octagonal diamond teardrop crescent curved flat straight crooked pointy pointed
sharp blunt old
young new ancient modern vintage antique retro rustic futuristic traditional classic elderly middle-aged teenage happy
sad angry scared surprised smiling serious calm cute beautiful pretty handsome ugly elegant majestic graceful delicate
fragile dainty fancy plain simple intricate ornate detailed decorative luxurious clean dirty dusty muddy broken
cracked damaged empty full open closed shut messy neat tidy bright dark light dim vibrant vivid pale pastel dull faded
glowing lit unlit warm cool cold hot frozen snowy icy sunny cloudy rainy foggy misty stormy windy starry moonlit
overcast clear hazy dense lush barren leafy grassy rocky sandy wild tame fresh ripe rotten raw cooked fried grilled
baked steaming hungry sleepy tired lazy busy quiet loud strong weak brave fierce friendly gentle playful curious
adorable magical mystical mysterious fantastical enchanted haunted spooky scary creepy evil epic dramatic peaceful
serene tranquil cozy crowded bare naked bald bearded brunette muscular asian african american european japanese
chinese indian french italian mexican british german russian english roman greek egyptian persian mayan victorian
medieval gothic left right front upper lower inner outer central distant nearby opposite different same similar
identical matching double triple half main own real fake stuffed baby female male human electric electronic digital
mechanical solar urban rural tropical arctic cosmic medical military royal intense incredible amazing gorgeous
stunning realistic abstract surreal cinematic professional expensive cheap fiery exotic ephemeral brilliant gleaming
piercing thrilling blazing lively cheerful sullen mighty lone solitary disposable domestic stray good bad great nice
perfect strange weird odd unusual funny silly grand unique special
""")
"""Properties; some are things as well (glass, diamond), and a property only where a thing follows."""

ADJECTIVE_ENDINGS = ("ous", "ful", "less", "ish", "ible", "able", "like", "shaped", "colored", "sized", "esque")
"""Endings that no thing in a picture has, but for `NOT_ADJECTIVES`."""

NOT_ADJECTIVES = _words("""
table vegetable cable stable dish fish goldfish jellyfish starfish radish english goddess constable bible crucible
octopus platypus walrus rubbish polish mouthful handful
""")

COMPOUND_ING = _words("""
dining swimming sleeping sewing washing parking shopping frying boxing cutting rocking baking steering fishing living
waiting mixing measuring wedding building painting ironing hiking sailing racing cooking drawing clothing skiing
diving punching landing vending sitting serving
""")
"""Words in -ing that belong to the name of the thing behind them (dining table)."""

ING_NOUNS = _words("""
ring king wing string spring ceiling thing evening morning railing awning earring wedding pudding swing building
painting clothing lightning viking sibling duckling drawing during everything something nothing anything string being
frosting icing topping stuffing siding lettering engraving setting opening crossing lighting carving bling sling
dumpling seedling gosling starling sterling beijing flooring bedding dressing covering writing
""")

ED_NOUNS = _words("""
bed shed sled seed weed reed speed need feed red sped moped hundred kindred steed breed bread
""")

_VERBS = _words("""
walk run jump sit stand lie lay fly swim ride drive climb hold carry eat drink play read look watch stare wear sleep
hang float rest lean chase throw catch kick hit push pull cut cook bake paint draw write sing dance smile laugh cry
talk speak point wave reach cross fill cover surround decorate paint park swing surf ski skate skateboard pose show
contain fall rise grow bloom burn shine glow sparkle gleam melt drip flow pour spill drop lift dig plant feed pet hug
kiss shake fight race pull cast stretch spread gather adorn attach place put set mount tie wrap fold stack pile lounge
graze perch crawl hide emerge enter leave follow lead face stick bite lick chew open close touch use make build repair
clean wash brush comb shave dress peek peer gaze glance contrast complement stand sip serve roll spin twirl slide
bounce sail row steer fish hunt shoot aim type work study teach pray meditate practice exercise perform conduct attend
take give hand pass receive buy sell wait travel march parade celebrate enjoy admire examine inspect prepare stir pick
select try learn help connect support block line frame light dot top crown scatter sprinkle soar hover swoop dive roam
wander rush hurry kneel bend squat crouch bow balance juggle knit sew stitch weave hike camp picnic blow float lift
hop gallop trot leap bark meow howl roar sniff sneeze yawn nap doze rattle crash collapse explode break crack tear
appear feature depict display say ripen illuminate reflect overlook attract invite compete arrange suspend beckon cling
provide
come get erupt explode crash burst sprout arrive happen tell
""")
_IRREGULAR = """
ran sat stood lay lain laid flew flown swam rode ridden drove driven held ate eaten drank drunk wore worn slept hung
threw thrown caught drew drawn wrote written sang sung spoke spoken fell fallen rose risen grew grown shone fed shook
fought led stuck bit bitten made built swung spread put set cast took taken gave given bought sold taught knelt bent
blew blown broke broken tore torn hid hidden left shot spun slid beat sank wove woven lit clung
"""

_DOUBLED = _words("""
run sit swim hug pet cut hit dig hop trot pat set put spin skip clap nap chop drip drop stir hum dot top wrap step
plan grin pin row bet jog beg skim tip strum
""")


def _ing(verb: str) -> str:
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith("ee"):
        return verb[:-1] + "ing"
    return verb + (verb[-1] if verb in _DOUBLED else "") + "ing"


def _ed(verb: str) -> str:
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return verb + (verb[-1] if verb in _DOUBLED else "") + "ed"


def _s(verb: str) -> str:
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "o")) else "s")


VERB_BASES = _VERBS
VERB_S = frozenset(_s(verb) for verb in _VERBS)
VERB_PAST = frozenset(_ed(verb) for verb in _VERBS) | _words(_IRREGULAR)
VERB_ING = frozenset(_ing(verb) for verb in _VERBS)
_REGULAR = {form: _ing(verb) for verb in sorted(_VERBS) for form in (verb, _s(verb), _ed(verb))}
GERUND: Mapping[str, str] = _REGULAR | dict(
    pair.split(":")
    for pair in _words("""
    ran:running sat:sitting stood:standing lay:lying lain:lying laid:laying flew:flying swam:swimming rode:riding
    drove:driving held:holding ate:eating drank:drinking wore:wearing slept:sleeping hung:hanging threw:throwing
    caught:catching drew:drawing wrote:writing sang:singing spoke:speaking fell:falling rose:rising grew:growing
    shone:shining fed:feeding shook:shaking fought:fighting led:leading stuck:sticking bit:biting made:making
    built:building swung:swinging took:taking gave:giving bought:buying sold:selling taught:teaching
    knelt:kneeling came:coming got:getting
    bent:bending blew:blowing broke:breaking tore:tearing hid:hiding shot:shooting spun:spinning slid:sliding
    sank:sinking wove:weaving lit:lighting clung:clinging
    """)
)
"""Forms of a verb, and the one in -ing that clauses are written with."""

PEOPLE = _words("""
person people man men woman women boy boys girl girls child children kid kids baby babies toddler infant guy lady
gentleman adult teenager teen couple crowd family mother father mom dad parent parents grandmother grandfather brother
sister son daughter bride groom husband wife friend friends student teacher doctor nurse chef cook waiter waitress
soldier officer policeman policewoman firefighter farmer worker builder artist painter musician singer dancer actor
actress athlete player rider surfer skier skateboarder snowboarder runner cyclist biker driver pilot sailor fisherman
astronaut scientist engineer lawyer judge king queen prince princess knight warrior wizard witch pirate monk nun
priest tourist photographer hairdresser seamstress tailor carpenter mechanic plumber gardener librarian cashier guard
guards model clown magician vampire samurai ninja cowboy swimmer hiker climber shopper audience spectator spectators
someone somebody twins coach chess-player businessman businesswoman tennis-player
""")

ANIMALS = _words("""
dog cat bird horse cow sheep goat pig chicken duck goose swan rabbit mouse rat fox wolf bear lion tiger elephant
giraffe zebra monkey gorilla ape panda koala kangaroo deer moose camel frog toad turtle tortoise snake lizard
crocodile alligator fish shark whale dolphin octopus crab lobster shrimp bee butterfly spider ant dragon unicorn
dinosaur owl eagle hawk parrot penguin flamingo peacock ostrich raccoon squirrel hedgehog otter beaver kitten puppy
robot corgi llama hamster leopard cheetah hippo hippopotamus rhinoceros rhino donkey bull buffalo bison pony lamb
rooster turkey goldfish crow raven pigeon seagull pelican sloth bat snail worm beetle ladybug dragonfly creature
animal monster alien
""")

PLACES = _words("""
park beach forest street city field desert kitchen bedroom bathroom room office garden mountain mountains river lake
sea ocean sky space snow rain jungle meadow valley road highway sidewalk alley town village market store shop mall
restaurant cafe bar library classroom school hospital church temple castle museum stadium gym pool playground zoo farm
barn yard backyard lawn hill cave island underwater underground station airport harbor harbour bridge studio hallway
basement attic garage countryside landscape background cityscape wilderness savanna savannah swamp canyon lab
laboratory theater theatre court courtroom plaza parking-lot lot woods driveway water air mid-air sunlight
distance
""")

TIMES = _words("""
night sunset sunrise dawn dusk noon midnight daytime nighttime twilight day evening morning winter summer autumn fall
spring christmas halloween
""")

GROUPS = _words("""
group bunch pair herd flock pack crowd set row pile stack collection couple array cluster variety lot team school
swarm bouquet series line heap lots number types type kind kinds sort
piece pieces bit
""")
"""Words before `of` that say how things come, and are no things themselves."""

PARTS = _words("""
side top bottom front back middle center centre edge corner end rest view shot image picture photo photograph close-up
closeup portrait depiction scene style left right image part foreground lead fashion
""")
"""Words before `of` or behind a preposition that are places or views and no things."""

# fmt: off
RELATIONS: Mapping[tuple[str, ...], str] = {
    ("to", "the", "left", "of"): "left of", ("on", "the", "left", "of"): "left of", ("left", "of"): "left of",
    ("at", "the", "left", "of"): "left of",
    ("on", "the", "left", "side", "of"): "left of", ("to", "the", "left", "side", "of"): "left of",
    ("on", "left", "of"): "left of", ("to", "left", "of"): "left of",
    ("to", "the", "right", "of"): "right of", ("on", "the", "right", "of"): "right of", ("right", "of"): "right of",
    ("at", "the", "right", "of"): "right of",
    ("on", "the", "right", "side", "of"): "right of", ("to", "the", "right", "side", "of"): "right of",
    ("on", "right", "of"): "right of", ("to", "right", "of"): "right of",
    ("on", "top", "of"): "on top of", ("on", "the", "top", "of"): "on top of", ("atop",): "on top of",
    ("on", "the", "bottom", "of"): "below", ("at", "the", "bottom", "of"): "below",
    ("above",): "above", ("over",): "above", ("below",): "below", ("under",): "below", ("underneath",): "below",
    ("beneath",): "below",
    ("in", "front", "of"): "in front of", ("in", "the", "front", "of"): "in front of", ("behind",): "behind",
    ("hidden", "by"): "hidden by", ("next", "to"): "next to", ("beside",): "next to", ("alongside",): "next to",
    ("by",): "near", ("by", "the", "side", "of"): "next to", ("on", "the", "side", "of"): "next to",
    ("on", "side", "of"): "next to", ("at", "the", "side", "of"): "next to",
    ("near",): "near", ("near", "to"): "near", ("close", "to"): "near", ("on",): "on", ("onto",): "on", ("upon",): "on",
    ("in",): "in", ("inside",): "in", ("inside", "of"): "in", ("within",): "in", ("into",): "in", ("at",): "at",
    ("in", "the", "middle", "of"): "in", ("in", "the", "center", "of"): "in",
    ("outside",): "outside", ("outside", "of"): "outside", ("between",): "between", ("among",): "among",
    ("around",): "around", ("through",): "through", ("across",): "across", ("along",): "along",
    ("against",): "against", ("from",): "from", ("with",): "with", ("wearing",): "wearing", ("featuring",): "with",
    ("containing",): "with", ("surrounded", "by"): "surrounded by", ("covered", "in"): "covered in",
    ("covered", "with"): "covered in", ("covered", "by"): "covered in", ("filled", "with"): "filled with",
    ("full", "of"): "filled with", ("made", "of"): "made of", ("made", "out", "of"): "made of",
    ("made", "from"): "made of", ("towards",): "towards", ("toward",): "towards",
}
"""Words of a relation, and the name that it is stored by."""

STYLES: Mapping[tuple[str, ...], str] = {
    ("oil", "painting"): "oil painting", ("oil", "on", "canvas"): "oil painting",
    ("watercolor", "painting"): "watercolour", ("watercolour", "painting"): "watercolour",
    ("watercolor",): "watercolour", ("watercolour",): "watercolour", ("acrylic", "painting"): "acrylic painting",
    ("ink", "drawing"): "ink drawing", ("ink", "painting"): "ink painting", ("pencil", "drawing"): "pencil drawing",
    ("pencil", "sketch"): "pencil drawing", ("charcoal", "drawing"): "charcoal", ("line", "art"): "line art",
    ("line", "drawing"): "line art", ("pixel", "art"): "pixel art", ("digital", "art"): "digital art",
    ("digital", "painting"): "digital painting", ("concept", "art"): "concept art", ("3d", "render"): "3D render",
    ("3d", "rendering"): "3D render", ("low", "poly"): "low poly", ("vector", "art"): "vector art",
    ("vector", "illustration"): "vector art", ("flat", "illustration"): "flat illustration",
    ("comic", "book", "style"): "comic book", ("cartoon", "style"): "cartoon", ("anime", "style"): "anime",
    ("anime",): "anime", ("manga",): "manga", ("ukiyo-e",): "ukiyo-e", ("art", "nouveau"): "art nouveau",
    ("art", "deco"): "art deco", ("pop", "art"): "pop art", ("impressionist", "painting"): "impressionism",
    ("cubist", "painting"): "cubism", ("stained", "glass", "window"): "stained glass window",
    ("claymation",): "claymation", ("photorealistic",): "photorealistic", ("hyperrealistic",): "photorealistic",
    ("photo-realistic",): "photorealistic", ("black-and-white", "photo"): "black and white photo",
    ("black-and-white", "photograph"): "black and white photo", ("polaroid",): "polaroid",
    ("isometric",): "isometric", ("vaporwave",): "vaporwave", ("cyberpunk",): "cyberpunk",
    ("steampunk",): "steampunk", ("woodcut",): "woodcut", ("linocut",): "linocut", ("fresco",): "fresco",
    ("origami",): "origami", ("chalk", "drawing"): "chalk drawing", ("crayon", "drawing"): "crayon drawing",
}
"""Words that name a style, and the name that it is stored by."""

SINGULAR: Mapping[str, str] = {
    "men": "man", "women": "woman", "people": "person", "children": "child", "mice": "mouse", "geese": "goose",
    "feet": "foot", "teeth": "tooth", "knives": "knife", "wolves": "wolf", "leaves": "leaf", "shelves": "shelf",
    "loaves": "loaf", "halves": "half", "wives": "wife", "lives": "life", "scarves": "scarf", "elves": "elf",
    "calves": "calf", "thieves": "thief", "hooves": "hoof", "oxen": "ox", "cacti": "cactus", "octopi": "octopus",
    "buses": "bus", "lenses": "lens", "policemen": "policeman", "firemen": "fireman", "snowmen": "snowman",
    "shoes": "shoe", "toes": "toe", "canoes": "canoe", "cookies": "cookie", "movies": "movie", "zombies": "zombie",
    "pies": "pie", "ties": "tie", "selfies": "selfie", "brownies": "brownie", "smoothies": "smoothie",
    "fishermen": "fisherman", "businessmen": "businessman", "broccolis": "broccoli", "axes": "axe", "dice": "die",
}
"""Plurals that no rule makes."""

UNCHANGED = frozenset((
    "skis", "scissors", "pants", "jeans", "shorts", "glasses", "sunglasses", "binoculars", "headphones", "trousers",
    "clothes", "series", "species", "goggles", "tongs", "pliers", "pajamas", "stairs", "bus", "gas", "glass", "grass",
    "dress", "cactus", "lens", "octopus", "canvas", "christmas", "tennis", "chess", "compass", "mattress", "waitress",
    "actress", "princess", "goddess", "hippopotamus", "walrus", "rhinoceros", "circus", "moss", "boss", "cross",
    "glass", "news", "asparagus", "hummus", "citrus", "iris", "crocus", "campus", "virus", "bonus", "mess", "fortress",
    "seamstress", "wilderness", "darkness", "atlas", "vas", "penis", "tetris", "graffitis", "ibis", "platypus",
))
"""Words in -s that are one thing, or have no singular."""

FAMILIES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "size": (("small", "little", "tiny", "miniature", "mini"),
             ("large", "big", "huge", "giant", "enormous", "gigantic")),
    "height": (("tall",), ("short",)), "length": (("long",), ("short",)), "width": (("wide",), ("narrow",)),
    "thickness": (("thick",), ("thin",)), "age": (("old", "elderly", "ancient"), ("young", "new", "modern")),
    "light": (("bright",), ("dark",)), "wetness": (("wet",), ("dry",)), "order": (("open",), ("closed",)),
    "fullness": (("full",), ("empty",)), "mood": (("happy", "smiling"), ("sad", "angry")),
    "material": (("wooden",), ("metallic", "metal"), ("plastic",), ("glass",), ("leather",), ("rubber",),
                 ("fabric",), ("stone",), ("paper",)),
    "texture": (("fluffy", "furry"), ("smooth",), ("rough",), ("shiny",), ("spiky", "prickly")),
    "shape": (("round", "circular", "spherical"), ("square", "cubic"), ("triangular", "pyramidal", "conical"),
              ("rectangular", "oblong"), ("oval",)),
}
"""Properties that exclude each other, by what they are about; words of one group mean nearly the same."""
# fmt: on

SCENES: tuple[tuple[str, ...], ...] = (
    ("night", "midnight", "nighttime"),
    ("day", "noon", "daytime", "morning"),
    ("sunset", "sunrise", "dusk", "dawn"),
    ("beach",), ("forest", "woods", "jungle"), ("desert",), ("kitchen",), ("street", "road"), ("office",),
    ("bedroom",), ("bathroom",), ("garden", "park"), ("snow", "winter"), ("mountains", "mountain"), ("sea", "ocean"),
    ("library",), ("classroom",), ("restaurant", "cafe"), ("field", "meadow"), ("space",),
)  # fmt: skip
"""Scenes that exclude each other; words of one group are not held against each other."""

COMPOUNDS = frozenset((
    ("hot", "dog"), ("hot", "dogs"), ("potted", "plant"), ("potted", "plants"), ("stuffed", "animal"),
    ("stuffed", "animals"), ("light", "bulb"), ("light", "bulbs"), ("high", "chair"), ("high", "heels"),
    ("golden", "retriever"), ("orange", "juice"), ("olive", "oil"), ("olive", "tree"), ("grand", "piano"),
    ("stained", "glass"), ("polar", "bear"), ("polar", "bears"), ("black", "hole"), ("paper", "towel"),
    ("paper", "plane"), ("paper", "airplane"), ("square", "dance"), ("human", "being"), ("toy", "car"),
    ("electric", "guitar"), ("rose", "gold"), ("golden", "gate"), ("wild", "west"), ("ice", "cream"),
    ("whipped", "cream"), ("sour", "cream"), ("peach", "tree"), ("mint", "leaf"), ("cream", "cheese"),
    ("light", "switch"), ("street", "light"), ("street", "lights"), ("traffic", "light"), ("traffic", "lights"),
    ("light", "fixture"), ("light", "fixtures"), ("warning", "sign"), ("sweet", "potato"), ("sweet", "potatoes"),
    ("trash", "can"), ("store", "front"), ("steampunk", "glasses"), ("soda", "can"),
    ("light", "pole"), ("electric", "fan"), ("hot", "air"), ("baby", "carriage"),
))  # fmt: skip
"""Names of two words whose first would be a property, a colour or a verb elsewhere."""

ALSO_NOUNS = _words("""
glass diamond square oval paper stone metal plastic leather rubber fabric cotton silk lace straw brick concrete marble
steel iron light human female male baby crystal clay porcelain velvet denim wool satin cardboard bamboo
crescent bow cast set
cross dress watch drink cook paint point work brush wave line frame dot top face cover swing crack fish fall feed skate
ski bike crown tear stack pile block hand stitch comb plant park light picnic ride surf race pet model bark leap roll
bow camp sink stand play show shot rose bat fly saw left right cold dark half lead smile drop slide roar crash hug kiss
""")
"""Words of the lists above that name a thing where no other noun follows."""

NOUNY_S = _words("""
lights stands rides plants crosses dresses watches drinks cooks paints points works brushes waves lines frames dots tops
faces covers swings cracks fishes falls feeds skates skis hikes bows crowns tears shoots stacks piles blocks hands
stitches combs sinks roses bats flies plays shows sets casts parks races pets rests runs rolls drops slides types hugs
smiles cuts sticks bites touches uses clouds leaves steps roars leads
""")
"""Words in -s that are things as often as verbs."""

INVISIBLE = _words("""
way order time moment sense beauty feeling life addition touch midst act use place disappointment record detail focus
event best exoticism fashion case fact idea reason result course help need today world symbol taste sound smell
air variety display joy sadness love freedom peace lot look contrast punch scent aroma atmosphere ambiance mood vibe
quality resolution
""")
"""Nouns that nothing in a picture answers to."""

PLAIN_MEDIA = _words("photo picture image photograph view shot close-up closeup snapshot pic depiction scene still")
DRAWN_MEDIA = _words("""
drawing painting sketch illustration cartoon render rendering sculpture watercolor watercolour engraving mosaic mural
collage comic caricature clipart portrait poster logo icon
""")
"""What `of` turns into a lead-in: the first says nothing, the second names a style."""

SAME_PLURAL = _words("""
sheep deer fish goldfish shrimp moose bison aircraft spacecraft salmon trout squid broccoli bread
""")
PAIRS = _words("""
skis scissors pants jeans shorts glasses sunglasses binoculars headphones trousers clothes series species goggles tongs
pliers pajamas stairs
""")
"""Words that are always plural; those above are the same for one and for many."""

GLASSES = frozenset(("wine", "drinking", "champagne", "cocktail", "beer", "martini", "water", "shot"))
"""Words behind which glasses are drunk from, not worn."""

MASS = _words("""
grass water fire snow steel sand smoke fog mist rain ice mud hair skin fur wood gold silver bread rice pasta cheese
coffee
tea milk wine beer juice soup sugar salt chocolate butter meat fruit broccoli furniture clothing jewelry graffiti wheat
corn moss ivy foliage lava coral cotton wool leather plastic rubber metal glass paper text writing nature
""")
"""Nouns that have no article."""

OF_WRITING = _words("""
text word words caption title letters lettering slogan message phrase inscription headline writing
""")
"""Nouns that say in a prompt with quotations that something is written, and are no things beside it."""

TAGS = _words("""
art painting photography photograph photo illustration render rendering drawing sketch artstation deviantart artwork
wallpaper cinematography style
""")
"""What ends the remarks on the picture that stand behind commas."""
