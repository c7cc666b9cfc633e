from pathlib import Path

from meshsplit.agent.publishing import CLUSTERS_KEPT_S, Publisher, write_atomically
from meshsplit.agent.watching import Settled
from meshsplit.translator.translation import Translation


def with_clusters(*names: str) -> Translation:
    return Translation([], [], [{"name": name} for name in names])


def test_a_change_is_told_once_and_only_when_two_looks_agree(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("one")
    settled = Settled(lambda: [file])
    assert [settled.changed() for _ in range(3)] == [False, True, False]
    file.write_text("half")
    assert not settled.changed()
    file.write_text("half and half")
    assert [settled.changed() for _ in range(3)] == [False, True, False]


def test_a_file_that_vanishes_is_a_change(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("one")
    settled = Settled(lambda: [file])
    settled.changed()
    settled.changed()
    file.unlink()
    assert [settled.changed() for _ in range(3)] == [False, True, False]


def test_only_what_changed_is_written_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path)
    assert publisher.publish(with_clusters("a"), 0) == ["cds.json", "rds.json", "lds.json"]
    assert publisher.publish(with_clusters("a"), 1) == []
    assert publisher.publish(with_clusters("a", "b"), 2) == ["cds.json"]
    assert {path.name for path in tmp_path.iterdir()} == {"cds.json", "rds.json", "lds.json"}


def test_a_cluster_outlives_the_last_route_to_it_by_any_request_s_time(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path)
    publisher.publish(with_clusters("a", "b"), 0)
    publisher.publish(with_clusters("a"), 1)
    publisher.tidy(1 + CLUSTERS_KEPT_S - 0.1)
    assert '"b"' in (tmp_path / "cds.json").read_text()
    publisher.tidy(1 + CLUSTERS_KEPT_S)
    assert '"b"' not in (tmp_path / "cds.json").read_text()


def test_a_cluster_that_comes_back_stays(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path)
    publisher.publish(with_clusters("a", "b"), 0)
    publisher.publish(with_clusters("a"), 1)
    publisher.publish(with_clusters("a", "b"), 2)
    publisher.tidy(100)
    assert '"b"' in (tmp_path / "cds.json").read_text()


def test_a_restarted_agent_still_knows_the_clusters_of_the_one_before(tmp_path: Path) -> None:
    Publisher(tmp_path).publish(with_clusters("a", "b"), 0)
    Publisher(tmp_path).publish(with_clusters("a"), 0)
    assert '"b"' in (tmp_path / "cds.json").read_text()


def test_a_file_that_says_the_same_already_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x"
    assert write_atomically(path, "1")
    number = path.stat().st_ino
    assert not write_atomically(path, "1")
    assert path.stat().st_ino == number
