"""Applying to be a merchant, from the first question to the owner's first award: answered in steps, with papers, over a restart."""

from __future__ import annotations

from typing import Any

from bot.double.people import Person
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.papers import picture
from tests.handlers.till_scene import make_operator


async def fill_in(world: World, who: Person) -> None:
    """Everything answered, the licence sent, up to the overview."""
    await who.says("/apply")
    await who.taps("开始申请")
    await who.sees("第 1 步,共 7 步", fresh=True)
    await who.says("街角面包")
    await who.sees("第 2 步", fresh=True)
    await who.says("Corner Bakery")
    await who.sees("做哪一行", fresh=True)
    await who.taps("餐饮")
    await who.sees("在哪个地区", fresh=True)
    await who.taps("上海")
    await who.sees("我们找谁", fresh=True)
    await who.says("李师傅 13800000000")
    await who.sees("第 6 步", fresh=True)
    await who.says("91310106MA1FY20263")
    await who.sees("把营业执照拍张照", fresh=True)
    await who.sends_photo(picture("licence"), caption="正本")
    await who.sees("记作「营业执照」", fresh=True)
    await who.taps("好了")
    await who.sees("都齐了", fresh=True)


async def enter(operator: Person, kind: str, number: str, until: str = "2099-06-30") -> None:
    """One certificate, entered at the desk."""
    await operator.taps("录入证书")
    await operator.sees("哪一种", fresh=True)
    await operator.taps(kind)
    await operator.sees("编号是多少", fresh=True)
    await operator.says(number)
    await operator.sees("谁发的", fresh=True)
    await operator.says("市信用协会")
    await operator.sees("有效到哪一天", fresh=True)
    await operator.says(until)


async def only(world: World, statement: str) -> Any:
    [[value]] = await world.sql(statement)
    return value


async def test_from_the_first_question_to_the_first_own_counter(database: Database) -> None:
    async with bot_running(database) as world:
        baker, operator = await world.member("李师傅"), await world.member("运营")
        await make_operator(world, operator, "admin")
        await fill_in(world, baker)
        shown = baker.last.shown
        for line in ("中文店名:街角面包", "行业:餐饮", "地区:上海", "联系人:李师傅 13800000000", "文件:1 份"):
            assert line in shown
        await baker.taps("发出申请")
        await baker.sees("在审核", fresh=True)
        await operator.sees("新的入驻申请:街角面包")
        await operator.taps("看申请")
        assert "联系人:李师傅 13800000000" in (await operator.sees("街角面包 · 申请中", fresh=True)).shown
        await operator.says("/operator")
        await operator.taps("入驻申请(1)")
        await operator.sees("1 家在等", fresh=True)
        await operator.taps("街角面包")
        shown = (await operator.sees("申请中", fresh=True)).shown
        assert "联系人:李师傅 13800000000" in shown and "执照号:91310106MA1FY20263" in shown
        await operator.taps("营业执照")
        paper = await operator.sees("正本", fresh=True)
        assert paper.photo == picture("licence")
        await operator.taps("返回")
        await operator.sees("申请中", fresh=True)
        await operator.taps("证书与状态")
        await operator.sees("还缺:信用证书、第三方评估、备案", fresh=True)
        assert "认证" not in operator.last.labels
        for kind, number in (("信用证书", "C-1"), ("第三方评估", "A-2"), ("备案", "F-3")):
            await enter(operator, kind, number)
            await operator.sees(f"{kind}已录入", fresh=True)
        message = operator.last
        taps = [await operator.taps("认证", message=message) for _ in range(3)]
        for tap in taps:
            await tap.answer()
        await world.settled()
        assert await only(world, "SELECT status FROM merchant WHERE name_zh = '街角面包'") == "certified"
        assert sum("已经加入联盟" in m.shown for m in baker.messages) == 1
        await baker.taps("收银台")
        await baker.sees("收银台 · 街角面包", fresh=True)
        await baker.says("/apply")
        await baker.sees("您的店 街角面包 已经加入联盟", fresh=True)


async def test_a_draft_survives_leaving_and_a_restart_and_each_answer_can_be_changed(database: Database) -> None:
    async with bot_running(database) as world:
        baker = await world.member("李师傅")
        await baker.says("/apply")
        await baker.taps("开始申请")
        await baker.says("街角面包")
        await baker.sees("英文名呢", fresh=True)
        await baker.says("/balance")
        await baker.sees("可用", fresh=True)
        await world.restart()
        await baker.says("/apply")
        await baker.sees("中文店名:街角面包", fresh=True)
        assert "英文店名:还没填" in baker.last.shown and "发出申请" not in baker.last.labels
        await baker.taps("继续填写")
        await baker.sees("第 2 步,共 7 步", fresh=True)
        await world.restart()
        await baker.says("Corner Bakery")
        await baker.sees("做哪一行", fresh=True)
        await baker.says("面包")
        await baker.sees("做哪一行", fresh=True)
        await baker.taps("看已填的")
        await baker.taps("改中文店名")
        await baker.sees("店的中文名", fresh=True)
        await baker.says("长" * 31)
        await baker.sees("中文店名不合适", fresh=True)
        await baker.says("转角面包")
        await baker.sees("中文店名:转角面包", fresh=True)


async def test_papers_are_called_what_they_are_and_can_be_looked_at_and_taken_out(database: Database) -> None:
    async with bot_running(database) as world:
        baker = await world.member("李师傅")
        await fill_in(world, baker)
        await baker.taps("文件(1)")
        await baker.sees("已有 1 份", fresh=True)
        await baker.sends_document(b"%PDF-1.7 pretended", "credit.pdf", "application/pdf")
        await baker.sees("记作「其他文件」", fresh=True)
        await baker.taps("信用证书")
        await baker.sees("记作「信用证书」", fresh=True)
        await baker.says("这是什么")
        await baker.sees("已有 2 份", fresh=True)
        await baker.taps("信用证书")
        paper = await baker.sees("信用证书", fresh=True)
        assert paper.document == b"%PDF-1.7 pretended"
        await baker.taps("撤掉这份")
        await baker.sees("已有 1 份", fresh=True)
        await baker.taps("营业执照")
        await baker.sees("正本", fresh=True)
        await baker.taps("撤掉这份")
        await baker.sees("把营业执照拍张照", fresh=True)
        await baker.taps("先跳过")
        await baker.sees("文件:还没有营业执照", fresh=True)
        assert "发出申请" not in baker.last.labels
        assert await only(world, "SELECT count(*) FROM merchant_file") == 0


async def test_five_taps_send_once_and_what_was_sent_can_be_withdrawn(database: Database) -> None:
    async with bot_running(database) as world:
        baker, operator = await world.member("李师傅"), await world.member("运营")
        await make_operator(world, operator, "admin")
        await fill_in(world, baker)
        message = baker.last
        for _ in range(5):
            await baker.taps("发出申请", message=message)
        await world.settled()
        assert await only(world, "SELECT count(*) FROM merchant WHERE status = 'applied'") == 1
        assert sum("新的入驻申请" in m.shown for m in operator.messages) == 1
        await baker.taps("撤回申请")
        await baker.sees("填的内容和文件都会删掉", fresh=True)
        await baker.taps("确认撤回")
        await baker.sees("申请已撤回", fresh=True)
        assert await only(world, "SELECT count(*) FROM merchant_file") == 0
        assert await only(world, "SELECT count(*) FROM merchant_application WHERE contact_box IS NOT NULL") == 0
        await operator.says("/operator")
        await operator.taps("入驻申请")
        await operator.sees("没有要审核的申请", fresh=True)


async def test_a_rejection_says_why_and_leads_to_another_try(database: Database) -> None:
    async with bot_running(database) as world:
        baker, operator, support = [await world.member(name) for name in ("李师傅", "运营", "客服")]
        await make_operator(world, operator, "admin")
        await make_operator(world, support, "auditor")
        await fill_in(world, baker)
        await baker.taps("发出申请")
        await baker.sees("在审核", fresh=True)
        await support.says("/operator")
        await support.taps("入驻申请(1)")
        await support.taps("街角面包")
        shown = (await support.sees("申请中", fresh=True)).shown
        assert "13800000000" not in shown and "拒绝" not in support.last.labels
        await operator.says("/operator")
        await operator.taps("入驻申请(1)")
        await operator.taps("街角面包")
        await operator.taps("拒绝")
        await operator.sees("把原因发给我", fresh=True)
        await operator.says("执照看不清,请重拍。")
        await operator.sees("已拒绝 街角面包", fresh=True)
        told = await baker.sees("的申请没有通过")
        assert "原因:执照看不清,请重拍。" in told.shown
        await baker.taps("重新申请")
        await baker.sees("上次的申请没有通过", fresh=True)
        await baker.taps("开始申请")
        await baker.sees("第 1 步", fresh=True)


async def test_the_dialogue_speaks_english(database: Database) -> None:
    async with bot_running(database) as world:
        hong = await world.member("Hong", "en")
        await hong.says("/apply")
        await hong.sees("Join the coalition")
        await hong.taps("Apply")
        await hong.sees("Step 1 of 7", fresh=True)
        await hong.says("街角面包")
        await hong.sees("Step 2 of 7", fresh=True)
        await hong.says("Corner Bakery")
        await hong.taps("Dining")
        await hong.sees("Step 4 of 7", fresh=True)
        await hong.taps("Everywhere")
        await hong.says("Mr Li, 138")
        await hong.says("91310106MA1FY20263")
        await hong.sees("photo of the business licence", fresh=True)
        await hong.sends_photo(picture("licence"))
        await hong.sees("filed as “Business licence”", fresh=True)
        await hong.taps("Done")
        await hong.sees("Region: Everywhere", fresh=True)


async def test_a_mistyped_licence_number_is_refused_with_its_remedy_and_typed_anew(database: Database) -> None:
    async with bot_running(database) as world:
        baker = await world.member("李师傅")
        await baker.says("/apply")
        await baker.taps("开始申请")
        for said in ("街角面包", "Corner Bakery"):
            await baker.says(said)
        await baker.taps("餐饮")
        await baker.taps("上海")
        await baker.says("李师傅 13800000000")
        await baker.sees("统一社会信用代码是多少", fresh=True)
        for wrong, remedy in (
            ("9131 0106 MA1F Y20", "您写了 15 位"),
            ("91310106MA1FY202I3", "执照号第 17 位不对"),
            ("O1310106MA1FY20263", "前 8 位只有数字,这里是「O」"),
            ("91310106MA1FY20264", "第 18 位校验码不对\n多半抄错了一位,请逐位核对执照"),
        ):
            await baker.says(wrong)
            await baker.sees(remedy, fresh=True)
        await baker.says("9131 0106 ma1f y202 63")
        await baker.sees("把营业执照拍张照", fresh=True)
        assert await only(world, "SELECT licence FROM merchant_application") == "91310106MA1FY20263"


async def test_a_picture_out_of_the_blue_is_not_understood_and_disturbs_nothing(database: Database) -> None:
    async with bot_running(database) as world:
        ming = await world.member("小明")
        await ming.sends_photo(picture("a cat"))
        await ming.sees("这句话我没看懂")
        await ming.says("/apply")
        await ming.taps("开始申请")
        await ming.sees("第 1 步", fresh=True)
        await ming.sends_photo(picture("a cat"))
        await ming.sees("这句话我没看懂", fresh=True)
        await ming.says("街角面包")
        await ming.sees("第 2 步", fresh=True)
