"""Predictors of distance matrices in Table 5: keys, names and descriptions."""

from __future__ import annotations

SHUFFLES = 8  # random orders over which the order noise is averaged

PAPER_NETWORK = "paper_network"
PAIR_NETWORK = "pair_network"
TYPE_MODELS = "type_models"
MODAL_CLASS = "modal_class"
PAIR_LOOKUP = "element_pair_lookup"
NEAREST_COMPOSITION = "nearest_composition"
PERFECT_CLASSES = "perfect_classes"
SHUFFLED_ELEMENTS = "shuffled_in_elements"
SHUFFLED_ORBITS = "shuffled_in_orbits"
BLOCK_MEANS = "true_block_means"
FLOORS = (PERFECT_CLASSES, BLOCK_MEANS, SHUFFLED_ORBITS, SHUFFLED_ELEMENTS)
CONTROLS = (MODAL_CLASS, PAIR_LOOKUP, NEAREST_COMPOSITION)
NETWORKS = (PAPER_NETWORK, PAIR_NETWORK, TYPE_MODELS)

# Name on pages; also the key in files of format 1.
NAMES = {
    PAPER_NETWORK: "paper's network",
    PAIR_NETWORK: "our pair network",
    TYPE_MODELS: "our three models",
    MODAL_CLASS: "modal class",
    PAIR_LOOKUP: "element-pair lookup",
    NEAREST_COMPOSITION: "nearest composition",
    PERFECT_CLASSES: "perfect classes",
    SHUFFLED_ELEMENTS: "shuffled in elements",
    SHUFFLED_ORBITS: "shuffled in orbits",
    BLOCK_MEANS: "true block means",
}
# The last four use the true matrix: they are lower limits, not predictions.
DESCRIPTIONS = {
    PAPER_NETWORK: (
        "the residual network of the paper (§2.3) at the stated width; classes decoded at their centres"
    ),
    PAIR_NETWORK: (
        "our network of atoms and pairs, trained on and given the composition and the functional of the "
        "entry, but no symmetry; expected distances, therefore the same for every N"
    ),
    TYPE_MODELS: (
        "the pair network given each of the likely structure types and its cell, which our symmetry prior "
        "(two seeds, averaged) and lattice model predict from the composition, all trained on the same "
        "structures; the matrix with the least expected error over these types and the prediction of the "
        "pair network without a type; the same for every N"
    ),
    MODAL_CLASS: "always the class with most pairs of the training structures, at its centre",
    PAIR_LOOKUP: (
        "mean distance of the element pair in training cells with as many atoms, else in all cells; for "
        "unseen pairs the mean of all pairs in cells with as many atoms, else of all"
    ),
    NEAREST_COMPOSITION: (
        "the matrix of the training structure with the same numbers of atoms of its elements (in order of "
        "electronegativity) whose elements are most similar in the 11 standardised features, summed over "
        "the atoms; without such a structure, the lookup"
    ),
    PERFECT_CLASSES: "floor of N classes: the true class of every pair, at its centre",
    SHUFFLED_ELEMENTS: (
        "order noise: the true matrix with the atoms of each element in random order, mean of "
        f"{SHUFFLES} orders"
    ),
    SHUFFLED_ORBITS: (
        "order noise: the same with the atoms of each orbit (equivalent by symmetry) in random order"
    ),
    BLOCK_MEANS: (
        "floor without an order: each true distance replaced by its mean over the pairs of the same two "
        "elements in the crystal"
    ),
}
