"""Words the invented ISP is made of. Nobody here exists: the people are draws from two lists, the towns are made up,
every telephone number is a 555 one and every address ends in a domain reserved for examples."""

from __future__ import annotations

# ruff: noqa: SIM905  (a list literal of these would be a page for every line)
from typing import NamedTuple

GIVEN = (
    "Ada Adele Agnes Albert Alma Amos Anika Arlo Arthur Astrid Aurora Basil Beatrix Benedict Bertha Boris Bram "
    "Calla Carmen Caspar Cecily Clement Clara Cora Cyrus Dagny Daphne Delia Desmond Dinah Dorian Edith Edgar Eliza "
    "Elmer Emeric Enid Esther Eugene Fabian Fern Fiona Flora Floyd Frieda Gideon Gilda Greta Gustav Hattie Hector "
    "Helga Homer Hugo Ida Ignatius Imogen Inez Irving Isidor Ivy Jasper Jolene Josefa Julius Kasimir Keziah Lars "
    "Leona Leopold Lionel Lorna Lucius Luisa Mabel Magnus Maren Marcel Matilda Maurice Mildred Minerva Mona Morris "
    "Nadia Nell Nestor Nora Odette Olive Orson Oscar Otis Pascal Pearl Percy Petra Phoebe Quincy Ramona Reuben "
    "Rhoda Roland Rosalind Rufus Sabina Saul Selma Silas Stella Sylvan Tabitha Thea Theodor Tilda Ulrich Ursula "
    "Valentin Vera Victor Viola Walter Wanda Wilbur Wilma Xenia Yolanda Yvette Zelda Zeno"
).split()

FAMILY = (
    "Abernethy Almond Appleyard Ashgrove Barleycorn Bellweather Birchall Blackthorn Bramblewood Brightwater "
    "Buckthorn Candlewick Chickadee Clearbrook Cloudsley Copperfield Crabapple Cranefield Dewberry Dovetail "
    "Driftwood Eastmere Elderflower Fairweather Fallowfield Featherstone Fernsby Finchley Foxglove Goldfinch "
    "Goosefoot Greenhalgh Hawthorne Hazelwood Hollyoak Honeycutt Ironside Juniper Kestrel Kettleburn Larkspur "
    "Lightfoot Littlebrook Longacre Loveday Marigold Meadowcroft Merriweather Millstone Moonlake Mossgrove "
    "Nettleton Nightingale Oakhurst Oldacre Orchard Overbrook Partridge Pennyfeather Pepperwood Plumtree Quickstep "
    "Rainford Redfern Riverstone Rosewater Rowntree Saltmarsh Sandpiper Silverlake Skylark Smallwood Snowdon "
    "Sparrow Springfield Starling Stillwater Stonebridge Summerfield Swallow Sweetapple Tanglewood Thistlewood "
    "Thornbury Underwood Valewood Wagtail Waterlow Wayfarer Westbrook Whitebeam Wildgoose Willowby Winterbourne "
    "Woodsmoke Wrenfield Yarrow Yellowley"
).split()

TRADES = (
    "Plumbing|Dental|Hardware|Bakery|Farm Supply|Auto Repair|Veterinary Clinic|Grain Elevator|Insurance|"
    "Print Shop|Orchards|Machine Works|Motel|Feed & Seed|Law Office"
).split("|")

FORMS = ("LLC", "Inc.", "& Sons", "Co.", "Group")
OFFICES = ("Township|Public Library|Volunteer Fire District|School District 12|County Clerk|Water Authority").split("|")

STREETS = (
    "Alder|Aspen|Barn Owl|Beacon|Beech|Bluff|Canal|Cedar|Chestnut|Church|County Line|Creek|Depot|"
    "Dogwood|Elm|Fieldstone|Grange|Harvest|Hickory|Hilltop|Lantern|Larch|Linden|Locust|Maple|Meadow|"
    "Mill|Old Post|Orchard|Pine|Prairie|Quarry|Ridge|River|Schoolhouse|Silo|Spruce|Sycamore|Tower|"
    "Union|Valley|Walnut|Willow|Windmill"
).split("|")
SUFFIXES = ("St", "Ave", "Rd", "Ln", "Dr", "Ct", "Way", "Trl", "Blvd")


class Town(NamedTuple):
    """A place on no map: `subdivision` and `country` are Sonar's enum names, coordinates are decimal degrees."""

    city: str
    subdivision: str | None
    zip: str
    latitude: str
    longitude: str
    country: str = "US"


TOWNS = (
    Town("Lantern Falls", "US_IL", "60990", "41.8412", "-89.4795"),
    Town("Old Mill", "US_IL", "60991", "41.7601", "-89.3120"),
    Town("Prairie Crossing", "US_IL", "60992", "41.9133", "-89.2004"),
    Town("Sparrow Hill", "US_IL", "61990", "41.6022", "-89.5561"),
    Town("Gooseberry", "US_WI", "53990", "42.6120", "-89.3477"),
    Town("Three Barns", "US_WI", "53991", "42.7014", "-89.6080"),
    Town("Kettle Bend", "US_WI", "54990", "42.8850", "-89.1122"),
    Town("Windmill Junction", "US_IA", "52990", "41.9930", "-90.5518"),
    Town("Copper Creek", "US_IA", "52991", "42.0815", "-90.6903"),
    Town("North Fork", "US_MN", "55990", "43.7310", "-91.8800"),
    Town("Saint Amos", "US_MN", "55991", "43.8201", "-91.7755"),
)

ABROAD = (
    Town("Port Marigold", "CA_ON", "K0A 0A0", "44.2312", "-76.4860", "CA"),
    Town("Wattle Point", "AU_VIC", "3990", "-38.3120", "144.8815", "AU"),
    Town("Müggelbrück", "DE_BE", "10990", "52.4370", "13.6550", "DE"),
)

MAIL_DOMAINS = ("example.com", "example.net", "example.org")

# Real area codes, for a client checks them; the 555-01xx behind them is nobody's.
AREA_CODES = ("217", "309", "563", "608", "815", "507")

ROLES = (None, "Billing", "Owner", "Spouse", "Technical", "Office manager", "Tenant", "Landlord")
