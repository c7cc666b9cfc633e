import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from meshsplit.local.hosts import addresses, otlp_endpoint
from meshsplit.local.run import open_run
from meshsplit.local.settings import SettingsError, default_ports, load
from meshsplit.local.traffic import load_settings


def read(root: Path, environ: Mapping[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ, root)
    return caught.value.problems


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "mesh").mkdir()
    return tmp_path


def test_without_settings_the_ports_are_those_of_the_table(root: Path) -> None:
    settings = load({}, root)
    assert dict(settings.ports) == default_ports()
    assert settings.gateway == "127.0.0.1:8080"
    assert settings.state == root / ".local"


def test_a_shift_moves_every_port_that_is_not_set_itself(root: Path) -> None:
    settings = load({"MESHSPLIT_PORT_SHIFT": "100", "MESHSPLIT_PORT_REDIS": "7000"}, root)
    expected = {name: port + 100 for name, port in default_ports().items()} | {"redis": 7000}
    assert dict(settings.ports) == expected


@pytest.fixture
def running(root: Path) -> Path:
    started = load({"MESHSPLIT_PORT_SHIFT": "100", "MESHSPLIT_PASS_MARK": "70"}, root)
    ports = {f"MESHSPLIT_PORT_{n.upper()}": str(port) for n, port in started.ports.items()}
    (root / ".local").mkdir()
    kept = {"settings": {**ports, **started.passed_on}}
    (root / ".local/run.json").write_text(json.dumps(kept))
    return root


def test_what_a_running_stack_was_started_with_holds_in_every_shell(running: Path) -> None:
    settings = load({}, running)
    assert settings.gateway == "127.0.0.1:8180"
    assert settings.passed_on == {"MESHSPLIT_PASS_MARK": "70"}


def test_what_a_shell_says_wins_over_what_runs(running: Path) -> None:
    assert load({"MESHSPLIT_PORT_SHIFT": "200"}, running).gateway == "127.0.0.1:8280"
    assert load({"MESHSPLIT_PORT_GATEWAY": "8500"}, running).ports["gateway"] == 8500


def test_every_wrong_setting_is_named_at_once(root: Path) -> None:
    problems = read(
        root,
        {
            "MESHSPLIT_PORT_GATEWAY": "http",
            "MESHSPLIT_PORT_REDIS": "70000",
            "MESHSPLIT_BIND": "everywhere",
            "MESHSPLIT_MESH_DIR": "nowhere",
            "MESHSPLIT_PORT_SHIFT": "some",
        },
    )
    text = "\n".join(problems)
    for name in (
        "PORT_GATEWAY=http",
        "PORT_REDIS",
        "BIND=everywhere",
        "MESH_DIR=",
        "PORT_SHIFT=some",
    ):
        assert f"MESHSPLIT_{name}" in text
    assert all("expected" in problem for problem in problems)


def test_two_parts_on_one_port_are_refused(root: Path) -> None:
    (problem,) = read(root, {"MESHSPLIT_PORT_REDIS": "8080"})
    assert "MESHSPLIT_PORT_REDIS=8080" in problem
    assert "gateway" in problem


def test_a_shift_beyond_the_last_port_is_refused(root: Path) -> None:
    (problem,) = read(root, {"MESHSPLIT_PORT_SHIFT": "20000"})
    assert "recorder_grpc would get port 70051" in problem


def test_the_environment_wins_over_the_file(root: Path) -> None:
    (root / ".env").write_text(
        "# ports\nMESHSPLIT_PORT_REDIS=7000\nexport MESHSPLIT_PASS_MARK='70'\n"
    )
    settings = load({"MESHSPLIT_PORT_REDIS": "7001"}, root)
    assert settings.ports["redis"] == 7001
    assert settings.passed_on == {"MESHSPLIT_PASS_MARK": "70"}


def test_a_line_of_the_file_that_is_no_setting_is_named(root: Path) -> None:
    (root / ".env").write_text("MESHSPLIT_PORT_REDIS=7000\nport 8\n")
    (problem,) = read(root, {})
    assert ".env:2" in problem


def test_the_pages_origins_follow_the_gateway(root: Path) -> None:
    settings = load({"MESHSPLIT_PORT_GATEWAY": "9000", "MESHSPLIT_BIND": "127.0.0.2"}, root)
    assert settings.origins.split(",") == [
        "http://127.0.0.1:9000",
        "http://localhost:9000",
        "http://127.0.0.2:9000",
    ]


def test_a_load_is_bounded_and_its_wrong_settings_are_named_at_once() -> None:
    environ = {"MESHSPLIT_LOAD_USERS": "0", "MESHSPLIT_LOAD_SECONDS": "99999999"}
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    assert len(caught.value.problems) == 2


def test_a_file_of_settings_that_is_no_text_is_named(root: Path) -> None:
    (root / ".env").write_bytes(b"MESHSPLIT_BIND=\xff\n")
    (problem,) = read(root, {})
    assert problem.startswith(f"{root / '.env'} can't be read")


def test_a_port_of_the_stacks_file_that_is_no_number_is_named(root: Path) -> None:
    (root / "stack.toml").write_text('[ports]\ngateway = "x"\n')
    (problem,) = read(root, {"MESHSPLIT_STACK_FILE": "stack.toml"})
    assert "gateway = 'x'" in problem


@pytest.mark.parametrize("kept", ["[]", '{"settings": null}', '{"settings": {"A": 1}}', "nothing"])
def test_a_note_of_a_run_that_cannot_be_read_counts_as_no_run(root: Path, kept: str) -> None:
    (root / ".local").mkdir()
    (root / ".local/run.json").write_text(kept)
    assert load({}, root).gateway == "127.0.0.1:8080"


def test_spans_go_to_this_run_s_own_store_unless_a_setting_names_another_collector(
    root: Path,
) -> None:
    own = load({"MESHSPLIT_PORT_SHIFT": "100"}, root)
    assert otlp_endpoint(own) == "http://127.0.0.1:4417"
    assert addresses(own)["otel-collector:4317"] == "127.0.0.1:4417"
    other = load({"MESHSPLIT_OTLP_ENDPOINT": "http://collector.test:4317"}, root)
    assert otlp_endpoint(other) == "http://collector.test:4317"
    assert addresses(other)["otel-collector:4317"] == "collector.test:4317"


def test_the_store_of_spans_is_not_there_where_another_collector_is_named(root: Path) -> None:
    (root / ".local").mkdir()
    (root / ".local" / "data-folder").write_text(str(root / "data"))
    assert open_run(load({}, root)).service("spans").ports == ("otlp",)
    run = open_run(load({"MESHSPLIT_OTLP_ENDPOINT": "http://127.0.0.1:4444"}, root))
    assert "spans" not in {service.name for service in run.services}
    assert run.service("ingest").environment["MESHSPLIT_OTLP_ENDPOINT"] == "http://127.0.0.1:4444"


@pytest.mark.parametrize("text", ["https://a:1", "127.0.0.1:4317", "http://a", "http://a:1/v1"])
def test_a_collector_that_envoy_could_not_be_told_is_refused(root: Path, text: str) -> None:
    (problem,) = read(root, {"MESHSPLIT_OTLP_ENDPOINT": text})
    assert "http://127.0.0.1:4317" in problem
