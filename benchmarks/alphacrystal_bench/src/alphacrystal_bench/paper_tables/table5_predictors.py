"""Who predicts distance matrices in Table 5, by the names that results, tables and pages use."""

from __future__ import annotations

SHUFFLES = 8  # random orders that the order noise is a mean over

PAPER_NETWORK = "paper's network"
PAIR_NETWORK = "our pair network"
TYPE_MODELS = "our three models"
MODAL_CLASS = "modal class"
PAIR_LOOKUP = "element-pair lookup"
NEAREST_COMPOSITION = "nearest composition"
PERFECT_CLASSES = "perfect classes"
SHUFFLED_ELEMENTS = "shuffled in elements"
SHUFFLED_ORBITS = "shuffled in orbits"
BLOCK_MEANS = "true block means"

# Name -> what it does and what it is for. The last four know the answer: they are floors, not predictions.
PREDICTORS = {
    PAPER_NETWORK: (
        "the residual network of the paper's §2.3 at the stated width, classes decoded at their centres"
    ),
    PAIR_NETWORK: (
        "our network of atoms and pairs, trained on and given the composition and the functional of "
        "the entry and nothing of the symmetry; expected distances, hence the same for every N"
    ),
    TYPE_MODELS: (
        "the pair network told each of the likely structure types and its cell, which our symmetry prior "
        "(two seeds, averaged) and lattice model name from the composition, all trained on the same "
        "structures; the matrix with the least expected error over these types and, as one more opinion, "
        "that of the pair network told nothing; the same for every N"
    ),
    MODAL_CLASS: "always the class that holds most pairs of the training structures, at its centre",
    PAIR_LOOKUP: (
        "mean distance of the element pair in training cells of as many atoms, else in all cells; of pairs "
        "never seen, the mean of all pairs in cells of as many atoms, else of all"
    ),
    NEAREST_COMPOSITION: (
        "the matrix of the training structure with the same numbers of atoms of its elements (in order of "
        "electronegativity) whose elements are most alike in the 11 standardised features, summed over the "
        "atoms; without such a structure, the lookup"
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
# For narrow tables.
SHORT_NAMES = {
    PAPER_NETWORK: "net",
    PAIR_NETWORK: "ours",
    TYPE_MODELS: "types",
    MODAL_CLASS: "modal",
    PAIR_LOOKUP: "pairs",
    NEAREST_COMPOSITION: "near",
    PERFECT_CLASSES: "class",
    BLOCK_MEANS: "block",
    SHUFFLED_ORBITS: "orbit",
    SHUFFLED_ELEMENTS: "elem",
}
FLOORS = (PERFECT_CLASSES, BLOCK_MEANS, SHUFFLED_ORBITS, SHUFFLED_ELEMENTS)
CONTROLS = (MODAL_CLASS, PAIR_LOOKUP, NEAREST_COMPOSITION)
NETWORKS = (PAPER_NETWORK, PAIR_NETWORK, TYPE_MODELS)
