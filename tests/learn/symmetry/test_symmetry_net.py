"""The symmetry prior: scores of known and of unseen structure types, and the tokens of a composition."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from alphacrystal.data import PreparedStructures
from alphacrystal.learn import StructureType
from alphacrystal.learn.model_inputs import TypeTable, composition_arrays, evidence_levels
from alphacrystal.learn.symmetry.member_table import MemberTable
from alphacrystal.learn.symmetry.network import ByteDropout, CompositionEncoder, SymmetryNet
from alphacrystal.learn.symmetry.training import sample_weights
from alphacrystal.learn.training import SymmetryTask

COMPOSITIONS = ([("Sr", "Ti", "O"), ("Na", "Cl"), ("Fe",)], [(1, 1, 3), (4, 4), (2,)])


@pytest.fixture
def net(symmetry_task: SymmetryTask) -> SymmetryNet:
    return symmetry_task.model.eval()


@pytest.fixture
def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    """Atomic numbers and reduced counts of three compositions."""
    numbers, counts = composition_arrays(*COMPOSITIONS)
    return torch.as_tensor(numbers), torch.as_tensor(counts)


def test_compositions_are_reduced_and_padded() -> None:
    numbers, counts = composition_arrays(*COMPOSITIONS)
    assert numbers.tolist() == [[38, 22, 8, 0, 0, 0, 0, 0], [11, 17] + [0] * 6, [26] + [0] * 7]
    assert counts.tolist() == [[1, 1, 3, 0, 0, 0, 0, 0], [1, 1] + [0] * 6, [1] + [0] * 7]


@torch.no_grad()
def test_scores_do_not_depend_on_the_other_compositions(
    net: SymmetryNet, inputs: tuple[torch.Tensor, torch.Tensor]
) -> None:
    every = net(*inputs)
    assert every.shape == (3, len(net.types))
    for row in range(3):
        assert torch.allclose(net(*(x[row : row + 1] for x in inputs)), every[row : row + 1], atol=1e-5)


@torch.no_grad()
def test_a_type_known_from_the_own_composition_alone_is_scored_as_one_never_seen(
    net: SymmetryNet, inputs: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """So that leaving the own composition out shows how the network does on new ones."""
    structure_type = StructureType(160, ("a", "a"))  # of no compound; given to one by hand
    own, other = [11, 17, 0, 0, 0, 0, 0, 0], [3, 9, 0, 0, 0, 0, 0, 0]
    halite = StructureType(225, ("a", "b"))
    members = MemberTable.of(np.array([other, own]), np.array([0, 1]), np.zeros(2, dtype=np.int64))
    torch.manual_seed(0)
    known = SymmetryNet(net.config, [halite, structure_type], members).eval()
    for parameter in known.kernel.judge.parameters():
        nn.init.normal_(parameter)
    salt = [x[1:2] for x in inputs]
    left_out = known(*salt, leave_one_out=True)[:, 1:]
    assert torch.allclose(
        left_out,
        known.unseen_scores(known.encode_compositions(*salt, leave_one_out=True), [structure_type]),
        atol=1e-5,
    )
    assert not torch.allclose(left_out, known(*salt)[:, 1:], atol=1e-3)


@torch.no_grad()
def test_an_unseen_type_gets_a_score(net: SymmetryNet, inputs: tuple[torch.Tensor, torch.Tensor]) -> None:
    unseen = [StructureType(2, ("a", "b", "iii")), StructureType(47, ("A", "i", "qrst"))]
    assert not set(unseen) & set(net.types)
    scores = net.unseen_scores(net.encode_compositions(*inputs), unseen)
    assert scores.shape == (3, 2)
    assert torch.isfinite(scores).all()
    assert not torch.allclose(scores[:, 0], scores[:, 1], atol=1e-6)


@torch.no_grad()
def test_unused_slots_change_nothing(inputs: tuple[torch.Tensor, torch.Tensor], net: SymmetryNet) -> None:
    numbers, counts = inputs
    torch.manual_seed(0)
    encoder = CompositionEncoder(width=16, layers=2, heads=2, dropout=0.1, max_count=64).eval()
    padded = encoder(numbers, counts)
    for row, used in enumerate((3, 2, 1)):
        one = slice(row, row + 1)
        summary, elements = encoder(numbers[one, :used], counts[one, :used])
        assert torch.allclose(summary, padded[0][one], atol=1e-5)
        assert torch.allclose(elements, padded[1][one, :used], atol=1e-5)
        assert torch.equal(padded[1][row, used:], torch.zeros_like(padded[1][row, used:]))
        assert torch.allclose(net(numbers[one, :used], counts[one, :used]), net(numbers[one], counts[one]))


def test_known_rows_hold_the_stoichiometry_in_the_asked_cells(net: SymmetryNet) -> None:
    rutile = StructureType(136, ("a", "f"))
    assert net.rows[rutile] in net.known_rows([1, 2], [2])
    assert {net.types[row].counts() for row in net.known_rows([1, 2], [1, 2])} == {(1, 2), (2, 4)}
    assert len(net.known_rows([7, 5, 3], [1])) == 0


def test_type_tables_of_some_rows_equal_tables_of_those_types(net: SymmetryNet) -> None:
    rows = np.array([6, 1, 1, 4])
    part, direct = TypeTable.of(net.types).subset(rows), TypeTable.of([net.types[row] for row in rows])
    assert len(part) == 4
    for name in ("space_group", "atoms", "orbits", "sites", "slot_offsets"):
        assert torch.equal(getattr(part, name), getattr(direct, name)), name


def test_structure_types_know_their_cell() -> None:
    assert StructureType(225, ("a", "b")).counts() == (1, 1)
    assert StructureType(136, ("a", "f")).counts() == (2, 4)
    assert StructureType(136, ("a", "f")).stoichiometry() == (1, 2)


def test_batches_hold_every_training_composition_once(
    symmetry_task: SymmetryTask, prepared: PreparedStructures
) -> None:
    rows = np.concatenate(symmetry_task.batches(np.random.default_rng(1)))
    assert set(rows) <= set(symmetry_task.train)
    formulas = prepared.formulas[symmetry_task.train]
    assert sorted(prepared.formulas[rows]) == sorted(set(formulas))


@torch.no_grad()
def test_types_of_another_stoichiometry_are_out_of_reach(symmetry_task: SymmetryTask) -> None:
    scores = symmetry_task.scores(symmetry_task.model.eval(), symmetry_task.validation)
    probabilities = scores.softmax(-1)
    assert len(symmetry_task.validation)
    for row, own in zip(symmetry_task.validation, probabilities, strict=True):
        same = [
            k.stoichiometry() == symmetry_task.structure_types[row].stoichiometry()
            for k in symmetry_task.model.types
        ]
        assert float(own[same].sum()) == pytest.approx(1, abs=1e-5)


def test_a_few_steps_lower_the_loss(symmetry_task: SymmetryTask) -> None:
    optimiser = torch.optim.Adam(symmetry_task.model.parameters(), lr=1e-2)
    losses = []
    for step in range(40):
        loss = symmetry_task.loss(symmetry_task.compounds, np.random.default_rng(step))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


@torch.no_grad()
def test_metrics_of_experimental_entries_are_left_out_where_none_is_known(
    symmetry_task: SymmetryTask,
) -> None:
    metrics = symmetry_task.validate(symmetry_task.model.eval())
    assert np.isfinite(list(metrics.values())).all()
    assert not [name for name in metrics if "experimental" in name]
    symmetry_task.experimental[symmetry_task.validation[0]] = True
    assert "type_top1_experimental" in symmetry_task.validate(symmetry_task.model)


def test_experimental_and_stable_entries_weigh_more(prepared: PreparedStructures) -> None:
    hull, experimental = np.zeros(len(prepared)), np.zeros(len(prepared), dtype=np.int64)
    hull[1], experimental[0] = 0.5, 1
    weights = sample_weights(replace(prepared, above_hull=hull, experimental=experimental))
    assert weights[0] > weights[2] > weights[1] > 0


def test_evidence_grows_weaker_away_from_experiment_and_hull(prepared: PreparedStructures) -> None:
    hull, experimental = np.full(len(prepared), 0.3), np.zeros(len(prepared), dtype=np.int64)
    hull[:4], experimental[0] = [0.2, 0.0, 0.05, np.nan], 1
    levels = evidence_levels(replace(prepared, above_hull=hull, experimental=experimental))
    assert levels[:5].tolist() == [0, 1, 2, 1, 3]


def test_dropout_zeroes_its_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    dropout = ByteDropout(0.2)
    dropped = dropout(torch.ones(100, 300))
    assert float((dropped == 0).float().mean()) == pytest.approx(0.2, abs=0.01)
    assert float(dropped.mean()) == pytest.approx(1, abs=0.01)
    assert torch.equal(dropout.eval()(torch.ones(3)), torch.ones(3))


@torch.no_grad()
def test_a_hearing_gives_the_scores_of_the_whole_vocabulary(
    net: SymmetryNet, inputs: tuple[torch.Tensor, torch.Tensor]
) -> None:
    salt = [x[1:2] for x in inputs]
    rows = net.known_rows([1, 1], [1, 2, 4])[::-1].copy()
    assert len(rows)
    assert torch.allclose(
        net.scores_of_rows(net.encode_compositions(*salt), rows), net(*salt)[:, rows], atol=1e-5
    )


@torch.no_grad()
def test_a_stoichiometry_never_seen_has_no_known_scores(net: SymmetryNet) -> None:
    numbers, counts = map(torch.as_tensor, composition_arrays([("U", "Np")], [(13, 7)]))
    hearing = net.encode_compositions(numbers, counts)
    assert hearing.family is None
    assert net.scores_of_rows(hearing, np.zeros(0, dtype=np.int64)).shape == (1, 0)
    assert torch.isfinite(net.unseen_scores(hearing, [StructureType(1, ("a" * 13, "a" * 7))])).all()
