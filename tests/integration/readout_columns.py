"""The columns of the readouts, written down from the rules of their names in docs/he-tme.md."""

QUALITY = ["Tissue Artifact", "No Tissue", "Marker", "Out Of Focus", "Valid Tissue"]
TISSUE = ["Carcinoma", "Epithelial Tissue", "Necrosis", "Stroma", "Other", "Blood", "Vessel"]
NUCLEATED = ["Carcinoma", "Epithelial Tissue", "Stroma", "Other", "Vessel"]
CELLS = ["Carcinoma cell", "Endothelial cell", "Epithelial cell", "Fibroblast", "Granulocyte",
         "Lymphocyte", "Macrophage", "Other", "Plasma cell"]
RADII_UM = [20, 40]

OF_REGIONS = ["REGION_COUNT", "AVG_ECCENTRICITY", "AVG_EXTENT", "AVG_SOLIDICITY", "LARGEST_CONVEX_AREA",
              "LARGEST_FILLED_AREA", "LARGEST_ROUNDNESS", "LARGEST_MAJ_AXIS", "LARGEST_MNR_AXIS",
              "LARGEST_PERIMETER", "LARGEST_SOLIDICITY", "LARGEST_ECCENTRICITY"]
OF_ALL_NUCLEI = ["AREA", "ROUNDNESS", "ECCENTRICITY", "MAJ_AXIS", "MNR_AXIS", "PERIMETER"]
OF_A_CLASS = ["AREA", "ROUNDNESS", "ECCENTRICITY", "PERIMETER"]
OF_NEIGHBORS = ["NUMBER", "DENSITY", "RATIO", "AVG_MIN_DISTANCE"]
OF_A_CELL = ["CELL_ID", "CELL_CLASS", "CENTROID_X", "CENTROID_Y", "NUCLEUS_AREA", "NUCLEUS_ROUNDNESS",
             "NUCLEUS_ECCENTRICITY", "NUCLEUS_MAJ_AXIS", "NUCLEUS_MNR_AXIS", "NUCLEUS_PERIMETER",
             "NUCLEUS_SOLIDITY", "NUCLEUS_HEMATOXYLIN"]


def column(name):
    """A class as part of a column's name."""
    return name.upper().replace(" ", "_")


def slide_columns():
    yield from ("SLIDE_UUID", "SLIDE_NAME", "IMAGE_RESOLUTION", "ABSOLUTE_AREA")
    for name in QUALITY + TISSUE:
        yield from (f"{kind}_AREA_{column(name)}" for kind in ("ABSOLUTE", "RELATIVE"))
    for tissue in TISSUE:
        yield from (f"{what}_{column(tissue)}" for what in OF_REGIONS)
    yield from ("CELL_CLASSES", "CELL_N_TOTAL")
    yield from (f"NUCLEUS_AVG_{what}" for what in OF_ALL_NUCLEI)
    for cell in map(column, CELLS):
        yield f"CELL_COUNT_{cell}"
        yield from (f"NUCLEUS_AVG_{what}_{cell}" for what in OF_A_CLASS)
        yield from (f"CELL_PERCENTAGE_{cell}", f"CELL_DENSITY_{cell}")
        for tissue in map(column, NUCLEATED):
            yield from (f"CELL_{what}_{cell}_{tissue}" for what in ("COUNT", "PERCENTAGE", "DENSITY"))
    for radius in RADII_UM:
        for x in map(column, CELLS):
            for tissue in map(column, NUCLEATED):
                yield from neighborhood_columns(x, tissue, radius)


def neighborhood_columns(x, tissue, radius):
    yield f"AREA_AROUND_{x}_IN_{tissue}_{radius}"
    yield f"TOTAL_NUMBER_OF_NEIGHBORS_AROUND_{x}_IN_{tissue}_{radius}"
    for y in map(column, CELLS):
        yield f"NUMBER_OF_CELLS_WITH_{x}_NEIGHBORS_AROUND_{y}_IN_{tissue}_{radius}"
        yield from (f"{what}_OF_{x}S_AROUND_{y}_IN_{tissue}_{radius}" for what in OF_NEIGHBORS)


def cell_columns():
    return OF_A_CELL + [f"IN_{column(tissue)}" for tissue in NUCLEATED]
