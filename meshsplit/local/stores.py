"""The stores' configuration and first data: MariaDB, Redis, Prometheus, Grafana, nginx's pages."""

import json
import shutil
import string
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from meshsplit.local.pages import built_page, put_in_place, served_page
from meshsplit.local.passwords import Passwords
from meshsplit.local.places import Places, give, own_folder

DATABASE = "grades"
LOGIN = "meshsplit"
SQL_FOLDERS = (
    "/usr/share/mysql",
    "/usr/share/mariadb",
    "/opt/homebrew/share/mariadb",
    "/usr/local/share/mariadb",
)
SYSTEM_TABLES = (
    ("mysql_system_tables.sql", "mariadb_system_tables.sql"),
    ("mysql_system_tables_data.sql", "mariadb_system_tables_data.sql"),
)
BOOTSTRAP_LIMIT_S = 120
DEFAULT_PAGE = "http://127.0.0.1:8080/dashboard/"
"""The page's address in Grafana's dashboards as they are made."""


class StoreError(Exception):
    """A store's data could not be made; says what to do."""


@dataclass(frozen=True)
class Preparation:
    """What is needed to write the stores' files."""

    here: Places
    root: Path
    values: Mapping[str, str]
    ports: Mapping[str, int]
    addresses: Mapping[str, str]
    passwords: Passwords


def prepare(name: str, user: str | None, given: Preparation) -> None:
    """Write a store's files, and its data when there is none yet; other services need none."""
    steps: Mapping[str, Callable[[Path, str | None, Preparation], None]] = {
        "mariadb": _mariadb,
        "redis": _redis,
        "prometheus": _prometheus,
        "grafana": _grafana,
        "dashboard": _dashboard,
    }
    if name == "agent":
        write_endpoints(given.here, given.addresses)
    if name in steps:
        folder = own_folder(given.here, "nginx" if name == "dashboard" else name, user)
        steps[name](folder, user, given)


def _mariadb(folder: Path, user: str | None, given: Preparation) -> None:
    """Durable as a production server, small as a guest: trimmed buffers, fsync at each commit.

    The buffer pool takes memory as it fills. It is what a million records of many students are
    written in; half of it made the write path a quarter slower there (docs/scaling.md).
    """
    data = folder / "data"
    _write(
        folder / "server.cnf",
        f"""\
[mariadbd]
datadir = {data}
socket = server.sock
pid-file = {folder}/server.pid
bind-address = 127.0.0.1
port = {given.ports["mariadb"]}
init-file = {folder}/logins.sql
tmpdir = {folder}
character-set-server = utf8mb4
collation-server = utf8mb4_bin
skip-name-resolve
skip-log-bin
performance-schema = off
innodb-flush-log-at-trx-commit = 1
innodb-doublewrite = on
innodb-buffer-pool-size = 512M
innodb-log-file-size = 128M
key-buffer-size = 4M
aria-pagecache-buffer-size = 8M
max-connections = 200
""",
        user,
    )
    _write(
        folder / "logins.sql",
        f"""\
CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE USER IF NOT EXISTS '{LOGIN}'@'127.0.0.1';
ALTER USER '{LOGIN}'@'127.0.0.1' IDENTIFIED BY '{given.passwords.mysql}';
GRANT ALL ON {DATABASE}.* TO '{LOGIN}'@'127.0.0.1';
ALTER USER 'root'@'localhost' IDENTIFIED BY '{given.passwords.mysql_root}';
""",
        user,
    )
    if not (data / "mysql" / "db.frm").exists():
        _make_database(data, user, given.values["mariadbd"])


def _make_database(data: Path, user: str | None, mariadbd: str) -> None:
    """Make the system tables as mariadb-install-db does; it isn't in every server package.

    They are made beside their place and moved, so that half a database is never taken for one.
    """
    made = data.with_name("data.making")
    shutil.rmtree(made, ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)
    made.mkdir(mode=0o700)
    give(made, user)
    sql = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
    sql += "".join(_system_tables())
    sql += "DELETE FROM mysql.global_priv WHERE User = '';\n"
    command = [mariadbd, "--no-defaults", "--bootstrap", f"--datadir={made}", "--log-warnings=0"]
    command += [f"--tmpdir={made}", "--enforce-storage-engine=", "--max-allowed-packet=8M"]
    if user is not None:
        command.append(f"--user={user}")
    done = subprocess.run(
        command,
        input=sql,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=tempfile.gettempdir(),
        timeout=BOOTSTRAP_LIMIT_S,
        check=False,
    )
    if done.returncode != 0 or not (made / "mysql" / "db.frm").exists():
        tail = "\n".join(done.stdout.splitlines()[-15:])
        raise StoreError(f"mariadbd could not make a new database in {made}:\n{tail}")
    made.rename(data)


def _system_tables() -> list[str]:
    for folder in map(Path, SQL_FOLDERS):
        found = [
            next((folder / n for n in names if (folder / n).exists()), None)
            for names in SYSTEM_TABLES
        ]
        if None not in found:
            return [path.read_text() for path in found if path is not None]
    raise StoreError(
        f"MariaDB's system tables are in none of {', '.join(SQL_FOLDERS)}; "
        "reinstall the package mariadb-server-core"
    )


def _redis(folder: Path, user: str | None, given: Preparation) -> None:
    _write(
        folder / "redis.conf",
        f"""\
bind 127.0.0.1
port {given.ports["redis"]}
requirepass {given.passwords.redis}
dir {folder}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
set-proc-title no
""",
        user,
    )


def _prometheus(folder: Path, user: str | None, given: Preparation) -> None:
    template = given.root / "observability" / "prometheus.yml.template"
    rules = (given.root / "observability" / "rules.yml").read_text()
    _write(folder / "rules.yml", rules, user)
    _write(folder / "prometheus.yml", fill_known(template.read_text(), given.values), user)


def _grafana(folder: Path, user: str | None, given: Preparation) -> None:
    """Copy what a cluster's Grafana gets too, with this run's address for the page."""
    source = given.root / "observability"
    for made in ("provisioning", "dashboards"):
        shutil.rmtree(folder / made, ignore_errors=True)
    _write(folder / "grafana.ini", (source / "grafana" / "grafana.ini").read_text(), user)
    # it looks into all four, and complains of one that isn't there
    for kind in ("datasources", "dashboards", "plugins", "alerting"):
        (folder / "provisioning" / kind).mkdir(parents=True)
    (folder / "dashboards").mkdir()
    for kind in ("datasources", "dashboards"):
        text = (source / "grafana" / f"{kind}.yaml").read_text()
        _write(folder / "provisioning" / kind / "meshsplit.yaml", text, user)
    for path in sorted((source / "dashboards" / "generated").glob("*.json")):
        text = path.read_text().replace(
            DEFAULT_PAGE, f"http://{given.values['gateway']}/dashboard/"
        )
        _write(folder / "dashboards" / path.name, text, user)
    for path in (folder / "dashboards", *(folder / "provisioning").rglob("*")):
        give(path, user)
    give(folder / "provisioning", user)


def _dashboard(folder: Path, user: str | None, given: Preparation) -> None:
    built, served = built_page(given.root), served_page(given.here)
    if not (built / "index.html").exists():
        raise StoreError(f"{built} holds no built dashboard; `make install` builds it")
    shutil.rmtree(served, ignore_errors=True)
    put_in_place(built, served, user)
    template = given.root / "services" / "dashboard" / "nginx.conf.template"
    values = {
        "DASHBOARD_BIND": "127.0.0.1",
        "DASHBOARD_PORT": given.values["port.dashboard"],
        "DASHBOARD_ROOT": str(served),
        "DASHBOARD_STATE": str(folder),
    }
    # nginx's own variables look the same: only these are replaced
    filled = string.Template(template.read_text()).safe_substitute(values)
    _write(folder / "nginx.conf", filled, user)


def write_endpoints(here: Places, addresses: Mapping[str, str]) -> bool:
    """Tell the agent where the hosts that the mesh names are; returns whether that is news."""
    path = here.state / "endpoints.json"
    text = json.dumps(dict(addresses), indent=1)
    if path.exists() and path.read_text() == text:
        return False
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)
    return True


def fill_known(text: str, values: Mapping[str, str]) -> str:
    """Fill a template whose language has braces of its own: only known names are replaced."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _write(path: Path, text: str, user: str | None) -> None:
    """Write a file that only its owner reads: some hold a password."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
    give(path, user)
