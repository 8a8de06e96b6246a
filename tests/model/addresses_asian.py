"""Addresses of China, Taiwan and Japan, in their own scripts and in Latin letters. Each method gives street line, city line and city."""

from __future__ import annotations

import random
import re

import streets as S
from composing import Composing


class Asian(Composing):
    def in_cn(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "CN_native")
        province = rng.choice(S.ZH_PROVINCES) if rng.random() < 0.5 and not city.startswith(("北京", "上海", "天津", "重庆")) else ""
        district = rng.choice(S.ZH_DISTRICTS) if rng.random() < 0.75 else ""
        road = self.pick(rng, "zh") + rng.choice(["路", "路", "路", "街", "大道", "大街", "东路", "西路", "南路", "北路", "中路", "东街", "巷", "胡同"])
        street = f"{road}{rng.randint(1, 2000)}号"
        way = rng.random()
        if way < 0.75:
            estate = rng.choice(S.ZH_ESTATES) if rng.random() < 0.6 else ""
            block = rng.choice(["{}号楼", "{}栋", "{}幢", "{}座", "{}号楼{}单元", "{}栋{}单元", ""])
            block = re.sub(r"\{\}", lambda _: str(rng.randint(1, 30)) if rng.random() < 0.85 else rng.choice("ABCD"), block)
            room = rng.choice([f"{rng.randint(101, 3208)}室", f"{rng.randint(101, 3208)}室", f"{rng.randint(101, 2502)}", f"{rng.randint(2, 32)}层", f"{rng.randint(2, 30)}楼{rng.randint(101, 3000)}室", ""])
            street += estate + block + (room if block or estate or room.endswith("室") else "")
        if rng.random() < 0.08:
            # In the country: a town, a village, a group and a number.
            names = self.lists["town-zh_CN"]
            city, district = rng.choice(names) + rng.choice(["县", "市"]), rng.choice(self.lists["street-zh_TW"])[:2] + rng.choice(["镇", "乡"])
            street = rng.choice("李王张陈刘杨赵周黄吴东西南北上下石河山") + rng.choice(["家村", "家庄", "庄村", "村", "屯"]) + rng.choice([f"{rng.randint(1, 20)}组", "", f"第{rng.randint(1, 12)}组"]) + f"{rng.randint(1, 300)}号"
        code = f"{rng.randint(100000, 859999)}" if rng.random() < 0.12 else ""
        gap = " " if rng.random() < 0.06 else ""
        if code and rng.random() < 0.5:
            street, code = f"{street}{rng.choice([' ', '，', ' 邮编'])}{code}", ""
        return street, (code + " " if code else "") + province + gap + city + gap + district + gap, city

    def in_tw(self, rng: random.Random) -> tuple[str, str, str]:
        city = rng.choice("台北市 臺北市 新北市 台中市 高雄市 台南市 桃園市 新竹市 基隆市 彰化縣 屏東縣".split())
        code = rng.choice(["", str(rng.randint(100, 983)), str(rng.randint(10000, 98399))])
        road = self.pick(rng, "zh_TW") + rng.choice(["路", "路", "東路", "西路", "南路", "北路", "街"]) + rng.choice(["", "一段", "二段", "三段", "四段", "五段"])
        lane = rng.choice(["", "", f"{rng.randint(1, 300)}巷", f"{rng.randint(1, 300)}巷{rng.randint(1, 20)}弄"])
        street = f"{road}{lane}{rng.randint(1, 400)}號" + rng.choice(["", f"{rng.randint(2, 20)}樓", f"{rng.randint(2, 20)}樓之{rng.randint(1, 9)}", f"{rng.randint(2, 9)}F"])
        return street, code + city + rng.choice(S.TW_DISTRICTS), city

    def in_jp(self, rng: random.Random) -> tuple[str, str, str]:
        if rng.random() < 0.4:
            prefecture, city = "東京都", rng.choice(S.TOKYO_WARDS)
        else:
            prefecture, city = rng.choice(S.JA_PREFECTURES[1:]), self.city(rng, "JP_native")[0]
        prefecture = prefecture if rng.random() < 0.85 else ""
        code = f"{rng.randint(1, 999):03}-{rng.randint(0, 9999):04}"
        head = rng.choices([f"〒{code} ", f"〒{code}", f"{code} ", "", f"〒 {code} ", f"〒{code}\u3000"], (34, 6, 8, 46, 2, 4))[0]
        a, b, c = rng.randint(1, 9), rng.randint(1, 40), rng.randint(1, 30)
        number = rng.choices([f"{a}-{b}-{c}", f"{a}丁目{b}-{c}", f"{a}丁目{b}番{c}号", f"{b}-{c}", f"{a}−{b}−{c}", f"{a}丁目{b}番地", rng.choice([f"{b * 7}番地", f"{'一二三四五六七八九'[a - 1]}丁目{b}番{c}号", f"{b * 7}番地{c}", f"大字{self.pick(rng, 'ja')}{b * 11}"]), f"{a}-{b}-{c}".translate(str.maketrans("0123456789-", "０１２３４５６７８９－"))], (40, 14, 12, 10, 6, 5, 6, 7))[0]
        street = self.pick(rng, "ja") + number
        if rng.random() < 0.42:
            building = rng.choice(S.JA_BUILDINGS) + rng.choice(["", "", "東", "南", "II", "青山", "桜"])
            room = rng.choice([f"{rng.randint(101, 1508)}号室", f"{rng.randint(101, 1508)}", f"{rng.randint(2, 40)}階", f"{rng.randint(2, 30)}F", ""])
            street += rng.choice([" ", " ", "\u3000", ""]) + building + rng.choice(["", " "]) + room
            street = street.rstrip()
        return street, f"{head}{prefecture}{city}", city
