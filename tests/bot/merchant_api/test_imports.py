"""Files over HTTP: sent, tried, confirmed, read back row by row; in the sandbox as in life."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

from bot.clock import Clock
from bot.imports import Imports
from bot.merchant_api import openapi
from bot.merchant_api.operations import OPERATIONS
from tests import turns
from tests.bot.importing import csv_of, file_of, nothing, xlsx_of
from tests.bot.merchant_api.scene import Said, Scene, fresh, shop
from tests.conftest import Database

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def send(scene: Scene, kind: str, content: bytes, query: str = "", **how: Any) -> Said:
    """One file."""
    headers = {"Content-Type": how.pop("media", "text/csv")}
    return await scene.ask("POST", f"/v1/imports?kind={kind}{query}", raw=content, headers=headers, **how)


async def work(scene: Scene) -> None:
    """What the leader would do."""
    working = Imports(scene.database.engine, scene.vault, Clock(turns.ZONE, scene.now), nothing)
    while await working.step():
        pass


def bought(scene: Scene, document: str, amount: str, customer: str = "c1") -> list[str]:
    """A row of a purchase made today."""
    return [document, customer, scene.now().astimezone(turns.ZONE).strftime("%Y-%m-%d %H:%M"), amount]


async def test_a_file_is_tried_confirmed_and_read_back_row_by_row(database: Database) -> None:
    async with shop(database) as scene:
        content = file_of(
            "purchases",
            bought(scene, "d1", "12.00"),
            bought(scene, "d2", "oops"),
            bought(scene, "d3", "8.00", scene.reference),
        )
        sent = await send(scene, "purchases", content, "&name=nov.csv")
        assert sent.status == 202, sent.text
        assert (sent.json["state"], sent.json["name"], sent.json["rows"]) == ("received", "nov.csv", 0)
        path = f"/v1/imports/{sent.json['id']}"
        early = await scene.ask("POST", f"{path}:confirm", {}, idem="yes")
        assert (early.status, early.code) == (409, "import_not_ready")
        await work(scene)
        tried = await scene.ask("GET", path)
        assert {k: tried.json[k] for k in ("state", "rows", "good", "known", "bad", "points")} == {
            "state": "tried", "rows": 3, "good": 2, "known": 0, "bad": 1, "points": 20,
        }  # fmt: skip
        assert (await scene.ask("GET", "/v1/purchases")).json["purchases"] == []
        said = await scene.ask("POST", f"{path}:confirm", {}, idem="yes")
        assert (said.status, said.json["state"]) == (200, "running"), said.text
        await work(scene)
        assert (await scene.ask("POST", f"{path}:confirm", {}, idem="yes")).headers["Idempotent-Replayed"] == "true"
        assert (await scene.ask("GET", path)).json["state"] == "done"
        assert {p["document"] for p in (await scene.ask("GET", "/v1/purchases")).json["purchases"]} == {"d1", "d3"}
        first = await scene.ask("GET", f"{path}/rows?limit=2", language="en")
        assert [row["outcome"] for row in first.json["rows"]] == ["done", "refused"]
        assert first.json["rows"][0]["cells"]["document"] == "d1" and first.json["rows"][0]["points"] == 12
        assert first.json["rows"][1]["problem"] == {
            "code": "cell_unreadable", "detail": "“amount” can't be read: oops. It should look like this: 128.50",
        }  # fmt: skip
        rest = await scene.ask("GET", f"{path}/rows?limit=2&after={first.json['next']}")
        assert [row["row"] for row in rest.json["rows"]] == [4] and rest.json["next"] is None
        only = await scene.ask("GET", f"{path}/rows?refused=true")
        assert [row["row"] for row in only.json["rows"]] == [3]
        report = await scene.ask("GET", f"{path}/report", language="en")
        assert report.headers["Content-Type"] == "text/csv" and report.text.lstrip("\ufeff").startswith(
            "row,document,customer"
        )
        assert await scene.holds()


async def test_the_same_request_is_one_file_and_another_with_its_key_is_refused(database: Database) -> None:
    async with shop(database) as scene:
        content = file_of("members", ["A"], ["B"])
        key = fresh()
        first, second = await send(scene, "members", content, idem=key), await send(scene, "members", content, idem=key)
        assert first.text == second.text and second.headers["Idempotent-Replayed"] == "true"
        other = await send(scene, "members", content, "&dry_run=false", idem=key)
        assert (other.status, other.code) == (422, "idempotency_key_reused")
        assert await scene.sql("SELECT count(*) FROM import_file") == [(1,)]


async def test_members_come_with_claim_codes_which_are_kept_nowhere(database: Database) -> None:
    async with shop(database) as scene:
        sent = await send(scene, "members", xlsx_of([["会员号"], [10086], ["B"]]), "&dry_run=false", media=XLSX)
        await work(scene)
        path = f"/v1/imports/{sent.json['id']}"
        assert (await scene.ask("GET", path)).json["state"] == "done"
        rows = (await scene.ask("GET", f"{path}/rows")).json["rows"]
        assert [row["cells"]["customer"] for row in rows] == ["10086", "B"]
        codes = [row["claim_code"] for row in rows]
        assert all(len(code) == 14 for code in codes) and len(set(codes)) == 2
        assert await scene.sql(
            "SELECT count(*) FROM turn_key WHERE answer LIKE '%' || :code || '%'", code=codes[0]
        ) == [(0,)]
        again = await send(scene, "members", csv_of([["customer"], ["10086"]]), "&dry_run=false")
        await work(scene)
        rows = (await scene.ask("GET", f"/v1/imports/{again.json['id']}/rows")).json["rows"]
        assert [(row["outcome"], row["claim_code"]) for row in rows] == [("already", None)]


async def test_what_can_not_be_a_file_is_refused_at_the_door(database: Database) -> None:
    async with shop(database) as scene:
        cases = [
            ("members", b"", "", {}, (422, "file_unreadable")),
            ("members", b"name\r\nx\r\n", "", {}, (422, "columns_missing")),
            ("members", b"Nr\r\nx\r\n", "&columns=what", {}, (422, "column_names_unreadable")),
            ("nonsense", b"", "", {}, (400, "malformed")),
            ("members", b"{}", "", {"media": "application/json"}, (415, "not_a_table")),
            ("members", b"x" * 8_000_001, "", {}, (413, "too_large")),
            ("members", b"PK\x03\x04 no zip", "", {"media": XLSX}, (422, "file_unreadable")),
        ]
        for kind, content, query, how, expected in cases:
            said = await send(scene, kind, content, query, **how)
            assert (said.status, said.code) == expected, said.text
        assert await scene.sql("SELECT count(*) FROM import_file") == [(0,)]
        named = await send(scene, "members", b"Nr\r\nx\r\n", "&columns=customer=Nr")
        assert named.status == 202, named.text
        assert (await send(scene, "members", b"Nr\r\ny\r\n")).status == 202


async def test_files_are_their_merchants_own_and_need_the_scope(database: Database) -> None:
    async with shop(database) as scene:
        sent = await send(scene, "members", file_of("members", ["A"]))
        path = f"/v1/imports/{sent.json['id']}"
        _, other = await scene.new_key(merchant=scene.rail)
        for method, where, body in (
            ("GET", "", None),
            ("GET", "/rows", None),
            ("GET", "/report", None),
            ("POST", ":confirm", {}),
        ):
            said = await scene.ask(method, path + where, body, key=other)
            assert (said.status, said.code) == (404, "no_such_import")
        _, narrow = await scene.new_key("award")
        assert (await scene.ask("GET", path, key=narrow)).code == "out_of_scope"
        assert (await scene.ask("GET", f"{path}:confirm")).status == 405
        assert (await scene.ask("GET", "/v1/imports/0")).code == "no_such_path"


async def test_history_needs_its_own_scope(database: Database) -> None:
    async with shop(database) as scene:
        old = file_of("purchases", ["d1", "A", "2021-05-05 12:00", "10.00"])
        sent = await send(scene, "purchases", old)
        _, historian = await scene.new_key("imports", "history")
        may = await send(scene, "purchases", old, key=historian)
        await work(scene)
        rows = (await scene.ask("GET", f"/v1/imports/{sent.json['id']}/rows")).json["rows"]
        assert rows[0]["problem"]["code"] == "row_too_old"
        rows = (await scene.ask("GET", f"/v1/imports/{may.json['id']}/rows")).json["rows"]
        assert rows[0]["problem"] is None or rows[0]["problem"]["code"] != "row_too_old"


async def test_in_a_sandbox_a_file_is_tried_and_done_before_the_answer_is_read_again(database: Database) -> None:
    async with shop(database) as scene:
        _, key = await scene.new_key(test=True)
        sent = await send(scene, "members", file_of("members", ["A"]), key=key)
        assert sent.status == 202, sent.text
        path = f"/v1/imports/{sent.json['id']}"
        assert (await scene.ask("GET", path, key=key)).json["state"] == "tried"
        await scene.ask("POST", f"{path}:confirm", {}, key=key)
        assert (await scene.ask("GET", path, key=key)).json["state"] == "done"
        assert await scene.sql("SELECT count(*) FROM import_file") == [(0,)]


async def test_answers_fit_their_schemas(database: Database) -> None:
    async with shop(database) as scene:
        about = openapi.document(OPERATIONS)

        def fits(said: Said, method: str, path: str) -> None:
            response = about["paths"][path][method]["responses"][str(said.status)]
            schema = {**response["content"]["application/json"]["schema"], "components": about["components"]}
            Draft202012Validator(schema).validate(said.json)

        sent = await send(scene, "members", file_of("members", ["A"], [""], ["x" * 70]))
        fits(sent, "post", "/v1/imports")
        await work(scene)
        path = f"/v1/imports/{sent.json['id']}"
        fits(await scene.ask("GET", path), "get", "/v1/imports/{import}")
        fits(await scene.ask("GET", f"{path}/rows"), "get", "/v1/imports/{import}/rows")
        fits(await scene.ask("POST", f"{path}:confirm", {}), "post", "/v1/imports/{import}:confirm")
        asked = about["paths"]["/v1/imports"]["post"]
        assert {p["name"]: p.get("required", False) for p in asked["parameters"]} == {
            "Idempotency-Key": True, "kind": True, "dry_run": False, "columns": False, "name": False,
        }  # fmt: skip
        assert XLSX in asked["requestBody"]["content"]
