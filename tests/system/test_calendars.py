"""Calendar files by include(): what a daemon says of dates that end, and what a
mistake in such a file is told (DL3, DL12's edits, loop.md 3.3)."""

import datetime as dt

from harness import wait_until
from test_reload import check

CN = """# ours
calendar "cn" {{
    timezone = "Asia/Shanghai"
    open     = {{"Mon-Fri 09:00-18:00"}}
    closed   = {{"{last}"}}
}}
"""


def in_days(n):
    """A date of Shanghai."""
    now = dt.datetime.now(dt.timezone(dt.timedelta(hours=8)))
    return (now + dt.timedelta(days=n)).date().isoformat()


def start(world, redis, last):
    """A daemon, not yet started, whose conf includes calendars.d/cn.conf."""
    d = world.daemon(redis, start=False, more='include("calendars.d/cn.conf")')
    cn = d.dir / "calendars.d" / "cn.conf"
    cn.parent.mkdir()
    cn.write_text(CN.format(last=last))
    return cn, d


def test_dates_that_end_are_told_by_the_check_and_the_status(world, redis):
    cn, d = start(world, redis, in_days(30))
    told = (f'{cn}:2: the dates of calendar "cn" end on {in_days(30)}, in 30 '
            "days; add the closed and extra dates to come")
    code, out = check(d.conf)
    assert code == 0 and told in out.splitlines()

    d.expected.append("conf_remark")
    d.start()
    config = d.status()["config"]
    assert config["calendars_ending"] == ["cn"]
    assert told in config["warnings"]
    code, out, _ = d.ctl("status")
    assert code == 0 and out.count('the dates of calendar "cn" end') == 1

    # next year's dates are added to the included file
    cn.write_text(CN.format(last=in_days(400)))
    assert d.ctl("reload")[0] == 0
    config = d.status()["config"]
    assert config["calendars_ending"] == []
    assert not any("cn" in w for w in config["warnings"])


def test_a_mistake_in_an_included_file_leaves_the_old_conf(world, redis):
    cn, d = start(world, redis, in_days(400))
    d.start()
    assert d.status()["config"]["calendars_ending"] == []
    cn.write_text(CN.format(last="2026-02-30"))
    code, _, err = d.ctl("reload")
    assert code in (1, 5) and f"{cn}:5: closed: '2026-02-30' is no date" in err
    assert wait_until(lambda: d.status()["config"]["error"])
