"""A merchant's own systems: keys of the HTTP API, and the address that is told what happens. The owner's."""

from __future__ import annotations

from chat import desk_doors, till
from chat.arguments import number
from chat.feature import Feature
from chat.refusals import Worded, worded
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Text, t, tn
from ledger.merchants import api_keys, log, webhooks
from ledger.merchants.api_keys import SCOPES, ApiKey, Scope
from ledger.merchants.webhooks import Event, Webhook

feature = Feature("api_keys", order=78)

LISTED = 10
EVENTS_SHOWN = 8

SCOPE_NAMES: dict[Scope, Text] = {
    "award": t("记积分、查会员码"),
    "refund": t("退款"),
    "vouchers": t("验券"),
    "catalog": t("自己的兑换品和权益"),
    "rules": t("自己的积分规则"),
    "statements": t("流水和对账单"),
    "imports": t("发文件来导入"),
    "history": t("补录一个月以前的"),
}
USUAL: tuple[Scope, ...] = ("award", "refund", "vouchers")
"""What a till's system needs, chosen to begin with."""
TEST = "test"
"""Says in a button that a test key is wanted; whoever tries things out wants all of them."""

EVENT_NAMES: dict[str, Text] = {
    "redemption.used": t("券用掉了"),
    "return.claimed": t("有人要退换"),
    "return.settled": t("退换有结果了"),
    "refund.applied": t("退款入账"),
    "cover.alert": t("保证金提醒"),
    "statement.ready": t("对账单出来了"),
}

_SANDBOX = t("第一次用它时,沙箱按现在的商户、规则、兑换品建好;接口 /v1/sandbox 里加测试会员、拨日期、清空。")


async def owner_at(turn: Turn, merchant: str) -> Post:
    """The merchant that this person owns. `NotStaff`, `NotAllowed`."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("manage_api")
    return post


@feature.tap("list")
async def list_(turn: Turn, merchant: str) -> Screen:
    """Shows the keys of a merchant, and where its events go."""
    turn.finish()
    post = await owner_at(turn, merchant)
    here = post.merchant.id
    keys = [key for key in await api_keys.of_merchant(turn.tx, here, now=turn.now) if key.works(turn.now)]
    live = [key for key in keys if not key.test]
    hook, dead = await webhooks.of_merchant(turn.tx, here), await webhooks.dead_count(turn.tx, here)
    lines: list[Line | None] = [
        t("<b>接口</b> · {merchant}", merchant=post.where),
        tn("{n} 把密钥在用。收银系统、网店凭密钥记积分、验券。", n=len(live)) if live else t("还没有密钥。"),
        tn("{n} 把测试密钥,只通沙箱。", n=len(keys) - len(live)) if len(keys) > len(live) else None,
        BLANK,
        t("事件发到 <code>{url}</code>", url=hook.url) if hook else t("事件还没有接收地址。"),
        tn("{n} 条没送到", n=dead) if dead else None,
    ]
    rows: list[list[Button | None]] = [
        [feature.button(t("{label} · {prefix}…", label=key.label, prefix=_prefix(key)), "open", here, key.id)]
        for key in keys[:LISTED]
    ]
    rows += [
        [
            feature.button(t("新密钥"), "new", here, *_marks(USUAL), style="primary"),
            feature.button(t("新测试密钥"), "new", here, *_marks(SCOPES), TEST),
        ],
        [feature.button(t("事件通知"), "hook", here)],
        [desk_doors.merchant(merchant_id=here)],
    ]
    return screen(lines, rows)


def _prefix(key: ApiKey) -> str:
    return f"{api_keys.TEST_MARK}_{key.prefix}" if key.test else key.prefix


def _marks(scopes: tuple[Scope, ...] | set[Scope]) -> tuple[str]:
    """Chosen scopes in a button: a letter each, by their place."""
    return ("".join(str(SCOPES.index(scope)) for scope in SCOPES if scope in scopes) or "-",)


def _scopes(marks: str) -> set[Scope]:
    return {SCOPES[int(mark)] for mark in marks if mark.isdigit() and int(mark) < len(SCOPES)}


@feature.tap("new")
async def new(turn: Turn, merchant: str, marks: str = "-", kind: str = "") -> Screen:
    """Asks what a new key shall be for."""
    turn.finish()
    post = await owner_at(turn, merchant)
    chosen, here = _scopes(marks), post.merchant.id
    rows: list[list[Button | None]] = [
        [
            feature.button(
                t("✓ {scope}", scope=SCOPE_NAMES[scope]) if scope in chosen else SCOPE_NAMES[scope],
                "new",
                here,
                *_marks(chosen ^ {scope}),
                *_kind(kind),
            )
        ]
        for scope in SCOPES
    ]
    rows += [
        [feature.button(t("下一步"), "name", here, *_marks(chosen), *_kind(kind), style="primary") if chosen else None],
        [feature.button(t("返回"), "list", here)],
    ]
    lines: list[Line | None] = [
        t("<b>新测试密钥</b> · 能办什么?") if kind == TEST else t("<b>新密钥</b> · 能办什么?"),
        t("够用就好,点一下选上或去掉。"),
        t("测试密钥只通沙箱:有自己的会员和日期,和真的积分不相干。") if kind == TEST else None,
    ]
    return screen(lines, rows)


def _kind(said: str) -> tuple[str, ...]:
    return (TEST,) if said == TEST else ()


@feature.tap("name")
async def name(turn: Turn, merchant: str, marks: str, kind: str = "") -> Screen:
    """Asks what the key shall be called."""
    post = await owner_at(turn, merchant)
    turn.goto(feature.at("label"), merchant=post.merchant.id, scopes=marks, kind=kind)
    said = t("叫什么?发给我,比如「3号收银机」。记录里会用这个名字。")
    head = t("<b>新测试密钥</b>") if kind == TEST else t("<b>新密钥</b>")
    return screen([head, said], [[feature.button(t("取消"), "list", post.merchant.id)]])


@feature.step("label")
async def label_typed(turn: Turn, said: str) -> Screen:
    """Makes the key and shows it, once."""
    data = turn.dialogue.data
    post = await owner_at(turn, str(data["merchant"]))
    made, whole = await api_keys.create(
        turn.tx, merchant_id=post.merchant.id, label=said, scopes=_scopes(data["scopes"]), secret=secret(turn),
        by=post.staff.actor, now=turn.now, test=data.get("kind") == TEST,
    )  # fmt: skip
    turn.finish()
    await log.write(turn.tx, post.merchant.id, "key_made", who=post.staff.actor, at=turn.now, label=made.label)
    return shown_once(post, made, whole)


def secret(turn: Turn) -> str:
    """Random enough for a key: 48 bits of chance each."""
    return "".join(turn.nonce() for _ in range(5))


def shown_once(post: Post, made: ApiKey, whole: str, before: Text | None = None) -> Screen:
    """The screen with a whole key."""
    lines: list[Line | None] = [
        t("<b>{label}</b> 的测试密钥", label=made.label) if made.test else t("<b>{label}</b> 的密钥", label=made.label),
        t("<tg-spoiler>{key}</tg-spoiler>", key=whole),
        t("只显示这一次。存进系统后请删掉这条消息;丢了就换一把。"),
        t("第一次用它时,沙箱按现在的商户、规则、兑换品建好;接口 /v1/sandbox 里加测试会员、拨日期、清空。")
        if made.test
        else None,
        before,
    ]
    rows: list[list[Button | None]] = [
        [Button(t("复制密钥"), copy=whole)],
        [feature.button(t("返回"), "list", post.merchant.id)],
    ]
    return screen(lines, rows, protect=True, fresh=True)


@feature.tap("open")
async def open_(turn: Turn, merchant: str, key_id: str) -> Screen:
    """Opens one key."""
    post = await owner_at(turn, merchant)
    key = await api_keys.one(turn.tx, post.merchant.id, number(key_id))
    lines: list[Line | None] = [
        t("<b>{label}</b> · <code>{prefix}</code>", label=key.label, prefix=key.shown),
        t("测试密钥,只通沙箱") if key.test else None,
        t("收银台 {till}", till=key.till) if key.till else None,
        *(t("· {scope}", scope=SCOPE_NAMES[scope]) for scope in SCOPES if scope in key.scopes),
        t("{when} 建", when=key.made_at),
    ]
    if key.revoked_at is not None:
        lines.append(t("{when}停用了", when=key.revoked_at))
    elif key.ends_at is not None:
        lines.append(t("已换新,{when}停用", when=key.ends_at))
    works = key.works(turn.now)
    rows: list[list[Button | None]] = [
        [feature.button(t("换一把"), "rotate", post.merchant.id, key.id) if works and key.ends_at is None else None],
        [feature.button(t("马上停用"), "revoke", post.merchant.id, key.id, style="danger") if works else None],
        [feature.button(t("返回"), "list", post.merchant.id)],
    ]
    return screen(lines, rows)


@feature.tap("rotate")
async def rotate(turn: Turn, merchant: str, key_id: str) -> Screen:
    """Makes a key in another's place; both work for a day."""
    post = await owner_at(turn, merchant)
    made, whole = await api_keys.rotate(
        turn.tx,
        merchant_id=post.merchant.id,
        key_id=number(key_id),
        secret=secret(turn),
        by=post.staff.actor,
        now=turn.now,
    )
    await log.write(turn.tx, post.merchant.id, "key_rotated", who=post.staff.actor, at=turn.now, label=made.label)
    return shown_once(post, made, whole, tn("旧的还能用 {n} 小时。", n=api_keys.ROTATION_HOURS))


@feature.tap("revoke")
async def revoke(turn: Turn, merchant: str, key_id: str) -> Screen:
    """Asks before a key ends."""
    post = await owner_at(turn, merchant)
    key = await api_keys.one(turn.tx, post.merchant.id, number(key_id))
    rows: list[list[Button | None]] = [
        [
            feature.button(t("确认停用"), "revoked", post.merchant.id, key.id, style="danger"),
            feature.button(t("不停用"), "open", post.merchant.id, key.id),
        ]
    ]
    return screen([t("停用 <b>{label}</b>?", label=key.label), t("马上生效,用它的系统就不能再记积分和验券了。")], rows)


@feature.tap("revoked")
async def revoked(turn: Turn, merchant: str, key_id: str) -> Screen:
    """Ends a key; a second tap shows the same."""
    post = await owner_at(turn, merchant)
    key = await api_keys.one(turn.tx, post.merchant.id, number(key_id))
    if key.works(turn.now):
        actor = post.staff.actor
        await api_keys.revoke(turn.tx, merchant_id=post.merchant.id, key_id=key.id, by=actor, now=turn.now)
        await log.write(turn.tx, post.merchant.id, "key_revoked", who=actor, at=turn.now, label=key.label)
    return screen(
        [t("<b>{label}</b> 已停用", label=key.label)], [[feature.button(t("返回"), "list", post.merchant.id)]]
    )


@feature.tap("hook")
async def hook(turn: Turn, merchant: str) -> Screen:
    """Shows where events go, and what did not arrive."""
    turn.finish()
    post = await owner_at(turn, merchant)
    here = post.merchant.id
    found = await webhooks.of_merchant(turn.tx, here)
    lines: list[Line | None] = [t("<b>事件通知</b> · {merchant}", merchant=post.where)]
    if found is None:
        lines.append(t("券用掉、退款入账、保证金提醒、对账单出来时,发到您系统的 https 地址,带签名。"))
        rows: list[list[Button | None]] = [[feature.button(t("填地址"), "address", here, style="primary")]]
        return screen(lines, [*rows, [feature.button(t("返回"), "list", here)]])
    dead = await webhooks.events(turn.tx, here, state="dead", most=EVENTS_SHOWN)
    lines += [
        t("<code>{url}</code>", url=found.url),
        BLANK if dead else None,
        t("没送到的,点开可以重发:") if dead else None,
    ]
    rows = [[feature.button(_named(each), "event", here, each.id)] for each in dead]
    rows += [
        [feature.button(t("改地址"), "address", here), feature.button(t("看签名密钥"), "secret", here)],
        [feature.button(t("最近的"), "events", here), feature.button(t("不再通知"), "unhook", here, style="danger")],
        [feature.button(t("返回"), "list", here)],
    ]
    return screen(lines, rows)


def _named(event: Event) -> Text:
    return t("{what} · {when}", what=EVENT_NAMES[event.kind], when=event.created_at)


@feature.tap("events")
async def events(turn: Turn, merchant: str) -> Screen:
    """Lists what was told last, delivered or not."""
    post = await owner_at(turn, merchant)
    found = await webhooks.events(turn.tx, post.merchant.id, most=EVENTS_SHOWN)
    head = t("<b>最近的通知</b>") if found else t("还没有通知过什么。")
    rows: list[list[Button | None]] = [
        [feature.button(_named(each), "event", post.merchant.id, each.id)] for each in found
    ]
    return screen([head], [*rows, [feature.button(t("返回"), "hook", post.merchant.id)]])


STATES: dict[str, Text] = {"waiting": t("在送"), "sent": t("送到了"), "dead": t("没送到")}


@feature.tap("event")
async def event(turn: Turn, merchant: str, event_id: str) -> Screen:
    """Opens one event."""
    post = await owner_at(turn, merchant)
    return _opened(post, await webhooks.one(turn.tx, post.merchant.id, number(event_id)))


@feature.tap("again")
async def again(turn: Turn, merchant: str, event_id: str) -> Screen:
    """Sends an event once more."""
    post = await owner_at(turn, merchant)
    return _opened(post, await webhooks.again(turn.tx, post.merchant.id, number(event_id), now=turn.now))


def _opened(post: Post, one: Event) -> Screen:
    lines: list[Line | None] = [
        t("<b>{what}</b> · {state}", what=EVENT_NAMES[one.kind], state=STATES[one.state]),
        t("{when},试了 {n} 次", when=one.created_at, n=one.tries),
        t("对方答:{answer}", answer=one.answer) if one.answer else None,
        t("<code>{body}</code>", body=one.body[:600]),
    ]
    resend = feature.button(t("再发一次"), "again", post.merchant.id, one.id) if one.state != "waiting" else None
    return screen(lines, [[resend], [feature.button(t("返回"), "hook", post.merchant.id)]])


@feature.tap("address")
async def address(turn: Turn, merchant: str) -> Screen:
    """Asks where events shall go."""
    post = await owner_at(turn, merchant)
    turn.goto(feature.at("url"), merchant=post.merchant.id)
    said = t("把地址发给我,https:// 开头。")
    return screen([t("<b>事件通知</b>"), said], [[feature.button(t("取消"), "hook", post.merchant.id)]])


@feature.step("url")
async def url_typed(turn: Turn, said: str) -> Screen:
    """Keeps the address, and shows what signatures are verified with."""
    post = await owner_at(turn, str(turn.dialogue.data["merchant"]))
    if not said.strip().lower().startswith("https://"):
        raise webhooks.AddressNotUsable
    actor = post.staff.actor
    made = await webhooks.direct(turn.tx, merchant_id=post.merchant.id, url=said, by=actor, now=turn.now)
    turn.finish()
    await log.write(turn.tx, post.merchant.id, "webhook_set", who=actor, at=turn.now)
    return secret_shown(turn, post, made)


@feature.tap("secret")
async def show_secret(turn: Turn, merchant: str) -> Screen:
    """Shows what signatures are verified with."""
    post = await owner_at(turn, merchant)
    found = await webhooks.of_merchant(turn.tx, post.merchant.id)
    if found is None:
        raise webhooks.NoWebhook
    return secret_shown(turn, post, found)


@feature.tap("renew")
async def renew(turn: Turn, merchant: str) -> Screen:
    """Makes another secret."""
    post = await owner_at(turn, merchant)
    made = await webhooks.renew_secret(turn.tx, post.merchant.id)
    await log.write(turn.tx, post.merchant.id, "webhook_renewed", who=post.staff.actor, at=turn.now)
    return secret_shown(turn, post, made)


def secret_shown(turn: Turn, post: Post, found: Webhook) -> Screen:
    """The screen with the secret."""
    said = webhooks.secret(turn.vault, found)
    lines: list[Line] = [
        t("<b>事件通知</b> · <code>{url}</code>", url=found.url),
        t("签名密钥 <tg-spoiler>{secret}</tg-spoiler>", secret=said),
        t("签名是对「时间.正文」做的 HMAC-SHA256,在请求头 Jifen-Signature 里。"),
    ]
    rows: list[list[Button | None]] = [
        [Button(t("复制密钥"), copy=said), feature.button(t("换签名密钥"), "renew", post.merchant.id)],
        [feature.button(t("返回"), "hook", post.merchant.id)],
    ]
    return screen(lines, rows, protect=True, fresh=True)


@feature.tap("unhook")
async def unhook(turn: Turn, merchant: str) -> Screen:
    """Tells nobody any more."""
    post = await owner_at(turn, merchant)
    await webhooks.drop(turn.tx, post.merchant.id)
    await log.write(turn.tx, post.merchant.id, "webhook_dropped", who=post.staff.actor, at=turn.now)
    return await hook(turn, merchant)


@worded(api_keys.NoSuchApiKey)
def _(no: api_keys.NoSuchApiKey) -> Worded:
    return Worded(t("没有这把密钥"))


@worded(api_keys.ApiKeyEnded)
def _(no: api_keys.ApiKeyEnded) -> Worded:
    return Worded(t("这把密钥已经停用或换掉了"), t("{when}起不再用它。", when=no.at))


@worded(api_keys.TooManyApiKeys)
def _(no: api_keys.TooManyApiKeys) -> Worded:
    return Worded(t("密钥太多了"), tn("最多同时有 {n} 把。先停用不用的。", n=no.most))


@worded(api_keys.ScopesNeeded)
def _(no: api_keys.ScopesNeeded) -> Worded:
    return Worded(t("先选密钥能办什么"), t("至少选一样。"))


@worded(api_keys.ApiKeyLabelTooLong)
def _(no: api_keys.ApiKeyLabelTooLong) -> Worded:
    return Worded(t("名字不合适"), tn("1 到 {n} 个字,写在一行。请再发一次。", n=no.longest))


@worded(webhooks.AddressNotUsable)
def _(no: webhooks.AddressNotUsable) -> Worded:
    return Worded(t("这个地址用不了"), t("要 https:// 开头,不带用户名和 #。请再发一次。"))


@worded(webhooks.NoWebhook)
def _(no: webhooks.NoWebhook) -> Worded:
    return Worded(t("还没有接收地址"), t("先填地址,才有通知可发。"))


@worded(webhooks.NoSuchEvent)
def _(no: webhooks.NoSuchEvent) -> Worded:
    return Worded(t("没有这条通知"), t("编号 {event}。", event=str(no.event_id)))
