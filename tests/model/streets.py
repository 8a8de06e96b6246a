"""What street names are made of, per language: own inventories of the commonest elements."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "en": """Main Church High Station Park Victoria Green Manor Kings Queens New Grange York Windsor Alexandra Mill School Springfield
George Stanley Albert Grove Oak Maple Cedar Pine Elm Walnut Birch Willow Chestnut Sycamore Magnolia Dogwood Hickory Ash Poplar Spruce
Washington Lincoln Jefferson Madison Jackson Franklin Monroe Adams Wilson Lake Hill Ridge River Spring Valley Meadow Forest Highland
Sunset Center Market Broad Water Front North South East West Prospect Union Liberty College Pleasant Summit Railroad Canal Bridge Harbor
Orchard Vine Cherry Peach Rose Holly Laurel Ivy Fern Heather Primrose Lavender Juniper Aspen Cypress Evergreen Woodland Greenwood
Fairview Lakeview Riverside Hillside Brookside Parkway Country Club Mountain Canyon Mesa Desert Ocean Beach Bay Cove Shore Island Quarry
Mission Abbey Priory Castle Tower Bishop Priest Nelson Wellington Waterloo Trafalgar Cromwell Churchill Gladstone Clarence Cambridge
Oxford Chester Lancaster Durham Norfolk Suffolk Essex Kent Sussex Devon Cornwall Somerset Warwick Stafford Derby Shaw Baker Fleet Bond
Regent Piccadilly Whitechapel Brick Camden Kilburn Brixton Peachtree Bourbon Rodeo Wilshire Sepulveda Ventura Lombard Castro Valencia
Old_Mill Old_Post Old_Kent Martin_Luther_King Cherry_Hill Sandy_Hollow Deer_Run Fox_Chase Eagle_Nest Bear_Creek Stone_Bridge Long_Meadow
Windy_Hill Rolling_Hills Quail_Run Turkey_Trot Indian_Creek Cedar_Grove Oak_Hollow Pine_Ridge Mill_Pond Church_Hill St._James
St._Mary's St._John's Lower_Bristol Upper_Richmond Great_Western Little_Portland King_William Prince_of_Wales Duke_of_York""",
    "de": """Haupt Schul Garten Bahnhof Dorf Berg Birken Linden Kirch Wald Ring Wiesen Amsel Mühlen Industrie Tannen Rosen Feld Buchen
Eichen Finken Wilhelm Friedrich Kaiser König Park Markt Schloss Post Brunnen Brücken Burg Sonnen Nelken Tulpen Flieder Ahorn Kastanien
Erlen Eschen Pappel Weiden Ulmen Fichten Kiefern Lerchen Meisen Drossel Schwalben Falken Fasanen Reh Hirsch Hasen Jäger Förster Müller
Bäcker Schmiede Weber Gerber Töpfer Fischer Winzer Hafen Ufer See Bach Mosel Rhein Donau Elb Oder Main Neckar Isar Goethe Schiller
Lessing Mozart Beethoven Bach Händel Schubert Wagner Kant Hegel Luther Bismarck Stauffenberg Adenauer Heine Uhland Eichendorff
Hölderlin Kepler Kopernikus Röntgen Siemens Daimler Benz Diesel Zeppelin Leipziger_ Berliner_ Hamburger_ Münchner_ Kölner_ Frankfurter_
Dresdner_ Breslauer_ Königsberger_ Stettiner_ Danziger_ Karl-Marx- Rosa-Luxemburg- Ernst-Thälmann- Friedrich-Ebert- Konrad-Adenauer-
Albert-Einstein- Robert-Koch- Geschwister-Scholl- Clara-Zetkin- Käthe-Kollwitz- Thomas-Mann- Gerhart-Hauptmann- Am-Alten-""",
    "fr": """de_la_Paix de_la_République Victor_Hugo Jean_Jaurès Pasteur des_Écoles de_la_Gare de_l'Église du_Moulin des_Lilas
Jean_Moulin du_Général_de_Gaulle de_Verdun Voltaire Gambetta Émile_Zola Jules_Ferry des_Tilleuls des_Acacias de_la_Liberté de_la_Fontaine
du_Stade des_Roses Anatole_France du_Château du_8_Mai_1945 du_11_Novembre Saint-Michel Saint-Honoré Saint-Antoine Saint-Denis
de_Rivoli de_Rennes de_Vaugirard Lafayette Oberkampf de_Belleville de_Charonne Mouffetard Monge Rambuteau du_Faubourg-Saint-Martin
de_la_Libération du_Maréchal_Foch du_Maréchal_Leclerc Aristide_Briand Louis_Pasteur Pierre_Curie Marie_Curie George_Sand Molière Racine
Balzac Lamartine Rousseau Diderot Descartes Albert_Camus Claude_Monet Paul_Cézanne Georges_Clemenceau Léon_Blum Marcel_Pagnol
Antoine_de_Saint-Exupéry des_Champs des_Vignes des_Prés du_Lavoir de_la_Mairie de_la_Poste des_Jardins des_Cerisiers du_Bois de_la_Forêt
des_Peupliers des_Marronniers des_Chênes du_Port de_la_Plage de_Bretagne de_Normandie d'Alsace de_Lyon de_Marseille de_Bordeaux Nationale
Sainte-Catherine Saint-Jacques Sherbrooke Notre-Dame du_Lac des_Érables de_la_Montagne Saint-Laurent Papineau Louise de_la_Loi Royale
du_Midi de_Namur de_Waterloo Neuve du_Rhône de_Lausanne de_Carouge des_Alpes du_Mont-Blanc""",
    "es": """Mayor de_Alcalá de_la_Constitución Real Nueva de_la_Iglesia del_Sol de_Cervantes Miguel_de_Cervantes de_Goya de_Velázquez
de_Serrano de_Atocha de_Fuencarral de_Hortaleza Gran_Vía de_Segovia de_Toledo de_Sevilla de_Granada de_Valencia de_Aragón de_Mallorca
de_Provenza de_Balmes de_Muntaner de_Pelayo del_Prado de_la_Paz de_la_Libertad de_San_Juan San_José San_Antonio San_Francisco Santa_María
Santa_Ana del_Carmen del_Rosario de_la_Cruz de_los_Reyes_Católicos de_Cristóbal_Colón de_Isabel_la_Católica de_Ramón_y_Cajal
de_Antonio_Machado de_Federico_García_Lorca de_Pablo_Picasso de_Rosalía_de_Castro del_Doctor_Fleming de_la_Estación del_Parque del_Río
de_las_Flores de_los_Olivos de_las_Acacias de_los_Pinos del_Molino de_la_Fuente Benito_Juárez Hidalgo Morelos Reforma Insurgentes_Sur
Insurgentes_Norte Revolución Universidad Independencia 5_de_Mayo 16_de_Septiembre 20_de_Noviembre Niños_Héroes Emiliano_Zapata Madero
Allende Lázaro_Cárdenas Vasco_de_Quiroga Chapultepec Corrientes Rivadavia Santa_Fe Belgrano San_Martín Sarmiento Mitre Callao Lavalle
Florida 9_de_Julio Cabildo Maipú Tucumán Providencia Apoquindo O'Higgins Los_Leones Las_Condes Vicuña_Mackenna""",
    "it": """Roma Garibaldi Giuseppe_Garibaldi Mazzini Giuseppe_Mazzini Cavour Dante_Alighieri Verdi Giuseppe_Verdi Marconi
Guglielmo_Marconi Matteotti Giacomo_Matteotti Vittorio_Emanuele_II Umberto_I della_Repubblica Nazionale Milano Torino Venezia Napoli
Firenze Bologna Trieste Trento del_Corso dei_Mille della_Libertà XX_Settembre IV_Novembre XXV_Aprile I_Maggio San_Francesco San_Giovanni
San_Marco Santa_Lucia Sant'Antonio della_Chiesa della_Stazione del_Popolo dei_Fiori delle_Rose dei_Pini degli_Ulivi dei_Tigli
delle_Acacias Leonardo_da_Vinci Michelangelo Raffaello Galileo_Galilei Alessandro_Volta Alessandro_Manzoni Carducci Giosuè_Carducci
Leopardi Pascoli Petrarca Boccaccio Puccini Rossini Vivaldi Aldo_Moro Enrico_Berlinguer Antonio_Gramsci Alcide_De_Gasperi Montenapoleone
della_Spiga Tornabuoni Toledo Chiaia del_Babuino Condotti Appia_Nuova Tiburtina Casilina Aurelia Cassia Flaminia Emilia_Est""",
    "pt": """Augusta da_Consolação das_Flores Sete_de_Setembro Quinze_de_Novembro São_João São_José São_Bento Santo_Antônio Santa_Rita
Dom_Pedro_II Dom_Pedro_I Tiradentes Getúlio_Vargas Rui_Barbosa Marechal_Deodoro Marechal_Floriano Duque_de_Caxias Castro_Alves
Machado_de_Assis José_Bonifácio Barão_do_Rio_Branco Santos_Dumont Oscar_Freire Haddock_Lobo Bela_Cintra Paulista Brigadeiro_Faria_Lima
Brasil Atlântica Nossa_Senhora_de_Copacabana Visconde_de_Pirajá Voluntários_da_Pátria dos_Andradas da_Independência Boa_Vista Bela_Vista
das_Palmeiras dos_Pinheiros das_Acácias da_Paz do_Comércio da_Liberdade Augusta Garrett do_Ouro da_Prata do_Carmo de_Santa_Catarina
dos_Clérigos da_Boavista da_República Fontes_Pereira_de_Melo Almirante_Reis 25_de_Abril 5_de_Outubro 1º_de_Maio Luís_de_Camões
Fernando_Pessoa Eça_de_Queirós Vasco_da_Gama Infante_D._Henrique do_Rosário da_Igreja da_Escola do_Moinho da_Fonte das_Oliveiras""",
    "nl": """Kerk School Dorps Molen Nieuw Hoofd Station Wilhelmina Julianna Beatrix Prins_Hendrik Oranje Emma Koningin Eiken Beuken
Linden Kastanje Wilgen Berken Populieren Esdoorn Iepen Rozen Tulpen Lelie Anemoon Merel Lijster Vink Zwaluw Reiger Meeuw Haven Kade Markt
Vis Brede Lange Korte Hoge Lage Zuid Noord Oost West Zand Veld Bos Heide Duin Strand Zee Rembrandt Vermeer Frans_Hals Jan_Steen Mozart
Beethoven Vondel Multatuli Spinoza Erasmus De_Ruyter Tromp Piet_Hein Van_Speijk Overtoom Keizersgracht Herengracht Prinsengracht
Singel Damrak Rokin Coolsingel Weena Meent Oudegracht Janskerkhof Vijzelgracht Sarphatistraat Ceintuurbaan Kinkerstraat
Jan_Pieter_Heije Eerste_Helmers Tweede_Jan_Steen Burgemeester_de_Vlugt Groene Oude Leuvense Gentse Brusselse Antwerpse Veldstraat""",
    "pl": """Marszałkowska Puławska Nowy_Świat Krakowskie_Przedmieście Mickiewicza Słowackiego Sienkiewicza Kościuszki Piłsudskiego
Jana_Pawła_II 3_Maja 11_Listopada Wojska_Polskiego Armii_Krajowej Solidarności Grunwaldzka Warszawska Krakowska Gdańska Poznańska
Wrocławska Lubelska Łódzka Kopernika Chopina Moniuszki Reymonta Żeromskiego Prusa Konopnickiej Wyspiańskiego Matejki Batorego Sobieskiego
Jagiellońska Piastowska Zamkowa Rynek Stary_Rynek Długa Szeroka Wąska Zielona Biała Czerwona Różana Klonowa Dębowa Akacjowa Jesionowa
Wierzbowa Topolowa Kasztanowa Malinowa Wiśniowa Jabłoniowa Parkowa Leśna Polna Łąkowa Nadrzeczna Młyńska Fabryczna Kolejowa Dworcowa
Pocztowa Kościelna Cmentarna Floriańska Grodzka Świętokrzyska Hoża Wilcza Mokotowska Belwederska Targowa Ząbkowska""",
    "zh": """中山 人民 解放 建设 和平 新华 文化 长江 黄河 南京 北京 上海 广州 天津 重庆 西安 武汉 成都 昆明 延安 井冈山 民主 光明 胜利 前进 团结 友谊 环城
滨江 滨海 沿江 朝阳 东风 红旗 青年 劳动 工农 学院 大学 科技 创新 高新 软件园 体育 公园 花园 湖滨 江滨 金融 世纪 迎宾 机场 火车站 长安 淮海 衡山 复兴
华山 泰山 嵩山 黄山 峨眉 珠江 松花江 鸭绿江 太湖 西湖 东湖 南湖 北环 南环 东环 西环 幸福 平安 富强 兴华 振兴 广场 钟楼 鼓楼 鼓楼东 城隍庙 文昌 孔庙 凤凰
龙华 福华 深南 滨河 彩田 华强 天河 体育西 中关村 学院南 知春 建国 复兴门 西直门 阜成门 光华 东三环中 广渠 望京 酒仙桥 回龙观 亦庄 张江 陆家嘴环 漕溪""",
    "zh_TW": "中山 中正 忠孝 仁愛 信義 和平 民生 民權 民族 復興 敦化 光復 建國 松江 新生 重慶 承德 羅斯福 南京 長安 健康 八德 文化 中華 成功 自由 大同 三民 博愛 四維 五福 公園 學府 大學 林森 延平",
    "ja": """本町 中央 栄 旭町 大手町 丸の内 日本橋 銀座 新宿 渋谷 恵比寿 代々木 神宮前 赤坂 六本木 麻布十番 三田 芝 高輪 品川 大崎 五反田 目黒 中目黒 自由が丘 成城
三軒茶屋 下北沢 高円寺 荻窪 吉祥寺 三鷹 国分寺 立川 池袋 巣鴨 駒込 上野 浅草 両国 亀戸 錦糸 木場 豊洲 有明 梅田 難波 心斎橋 天王寺 淀屋橋 北浜 本町橋 江坂 千里 桜井
三宮 元町 須磨 烏丸 四条 河原町 嵐山 伏見 大須 金山 覚王山 博多駅前 天神 大名 薬院 中洲 大通 円山 琴似 白石 青葉台 緑が丘 桜台 若葉 東山 西新 南町 北町 昭和町 宮前""",
}

SUFFIXES = {
    "US": "St Ave Rd Dr Ln Blvd Ct Pl Way Cir Ter Pkwy Trl Hwy Loop Street Avenue Road Drive Lane Boulevard Court Place Circle Terrace "
    "Parkway Trail St. Ave. Rd. Dr. Ln. Blvd. Square Alley Plaza Run Path Pike Crossing",
    "GB": "Road Street Lane Avenue Close Drive Gardens Way Crescent Court Grove Place Terrace Square Hill Park Mews Rd St Ln Ave Walk "
    "Rise Row Green View Gate Vale Wharf Yard Broadway Parade Cottages Buildings Villas",
    "AU": "Street Road Avenue Drive Court Crescent Place Parade Highway Terrace Lane Close Esplanade St Rd Ave Dr Ct Cres Pde Hwy Tce Circuit",
}  # fmt: skip

UNITS = {
    "US": "Apt {n}|Apt. {n}|Apt {n}{L}|Apt {L}|#{n}|# {n}|Unit {n}|Suite {n}|Ste {n}|Ste. {n}|Floor {d}|Fl {d}|Room {n}|Bldg {L}|Lot {n}|Rm. {n}",
    "GB": "Flat {d}|Flat {d}{L}|Apartment {d}|Unit {d}|Flat {d}, {H} House|{H} House|{H} Court|Top Floor Flat|Basement Flat|Ground Floor|Studio {d}|Room {d}|The {C} Cottage|Rose Cottage",
    "DE": "{d}. OG|{d}. Stock|Whg. {d}|Hinterhaus|App. {n}|c/o|2. OG links|{d}. OG rechts|Vorderhaus|EG|Haus {L}|Aufgang {L}|Zimmer {n}|Etage {d}",
    "FR": "Apt {d}|Appt {n}|Appartement {d}|Bât. {L}|Bâtiment {L}|{d}e étage|Résidence les {H}|Esc. {L}|Escalier {d}|Porte {n}|Bureau {n}",
    "ES": "{d}º {L}|{d}º izq.|{d}º dcha.|{d}ºB|piso {d}|Piso {d}, puerta {d}|bajo|bajo {L}|ático|{d}-{d}|esc. {L}, {d}º {d}ª|{d}.º {d}.ª|Depto. {d}|Int. {d}|Local {d}|Apto {n}|Torre {d}, Apto {n}|Portal {d}",
    "IT": "int. {d}|Int. {d}|scala {L}|sc. {L}, int. {d}|piano {d}|interno {n}|edificio {L}",
    "PT": "apto {n}|ap. {n}|Apto. {n}|apt {n}|bloco {L}|Bloco {d}, apto {n}|sala {n}|casa {d}|{d}º andar|{d}º Esq.|{d}º Dto.|{d}.º D|R/C|{d}º Frente|Loja {L}|fundos",
    "NL": "{d} hoog|bus {d}|appartement {d}|kamer {d}|unit {d}",
    "PL": "m. {d}|m {d}|lok. {d}|lok {n}|klatka {L}|mieszkanie {d}|piętro {d}",
}  # fmt: skip

HOUSES = "Oak Elm Victoria Albert Windsor Nelson Churchill Rowan Kestrel Holly Beech Cedar Regent Marlborough Ashford Lincoln Byron Keats Shelley Hawthorn Magnolias Lilas Tilleuls Acacias".split()

US_STATES = """AL Alabama AK Alaska AZ Arizona AR Arkansas CA California CO Colorado CT Connecticut DE Delaware DC DC FL Florida GA Georgia
HI Hawaii ID Idaho IL Illinois IN Indiana IA Iowa KS Kansas KY Kentucky LA Louisiana ME Maine MD Maryland MA Massachusetts MI Michigan
MN Minnesota MS Mississippi MO Missouri MT Montana NE Nebraska NV Nevada NH New_Hampshire NJ New_Jersey NM New_Mexico NY New_York
NC North_Carolina ND North_Dakota OH Ohio OK Oklahoma OR Oregon PA Pennsylvania RI Rhode_Island SC South_Carolina SD South_Dakota
TN Tennessee TX Texas UT Utah VT Vermont VA Virginia WA Washington WV West_Virginia WI Wisconsin WY Wyoming""".split()
# The first digits of each state's ZIP codes.
US_ZIP = dict(
    zip(
        "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY".split(),
        "35 995 85 72 9 80 06 197 200 33 30 967 83 60 46 50 66 40 70 04 21 02 48 55 39 63 59 68 89 03 07 87 1 27 58 43 73 97 15 02 29 57 37 7 84 05 22 98 25 53 82".split(),
    )
)
CA_PROVINCES = {"01": "AB T", "02": "BC V", "03": "MB R", "04": "NB E", "05": "NL A", "07": "NS B", "08": "ON M", "10": "QC H", "11": "SK S", "09": "PE C"}
AU_STATES = {"01": "ACT 26", "02": "NSW 2", "04": "QLD 4", "05": "SA 5", "06": "TAS 7", "07": "VIC 3", "08": "WA 6", "03": "NT 08"}
BR_STATES = dict(
    zip(
        "01 02 03 04 05 06 07 08 11 13 14 15 16 17 18 20 21 22 23 24 25 26 27 28 29 30 31".split(),
        "AC AL AP AM BA CE DF ES MS MA MT MG PA PB PR PI RJ RN RS RO RR SC SP SE GO PE TO".split(),
    )
)
IN_STATES = {"16": "Maharashtra", "07": "Delhi", "19": "Karnataka", "40": "Telangana", "09": "Gujarat", "25": "Tamil Nadu", "28": "West Bengal", "24": "Rajasthan", "36": "Uttar Pradesh", "13": "Kerala", "23": "Punjab", "10": "Haryana"}
MX_STATES = {"09": "CDMX", "02": "B.C.", "21": "Puebla", "15": "Edo. Méx.", "22": "Qro.", "11": "Gto.", "14": "Jalisco", "31": "Yucatán", "19": "N.L.", "30": "Veracruz"}
ES_PROVINCES = "Madrid Barcelona Valencia Sevilla Málaga Murcia Cádiz Alicante Vizcaya Zaragoza Asturias Granada Toledo Burgos León".split()
GB_COUNTIES = "Surrey Kent Essex Devon Cornwall Dorset Norfolk Suffolk Lancashire Cheshire Hampshire Yorkshire Derbyshire Somerset Hertfordshire Berkshire Fife Gwent".split()
GB_AREAS = "AB AL B BA BB BD BH BL BN BR BS CA CB CF CH CM CO CR CT CV DA DE DH DL DN DT DY E EC EH EN EX FK FY G GL GU HA HD HG HP HR HU HX IG IP IV KA KT KY L LA LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO".split()
NL_LETTERS = "ABCDEGHJKLMNPRSTVWXZ"
JA_PREFECTURES = "東京都 北海道 大阪府 京都府 神奈川県 埼玉県 千葉県 愛知県 兵庫県 福岡県 静岡県 茨城県 広島県 宮城県 新潟県 長野県 岐阜県 群馬県 栃木県 岡山県 福島県 三重県 熊本県 鹿児島県 沖縄県 滋賀県 奈良県".split()
TOKYO_WARDS = "千代田区 中央区 港区 新宿区 文京区 台東区 墨田区 江東区 品川区 目黒区 大田区 世田谷区 渋谷区 中野区 杉並区 豊島区 北区 荒川区 板橋区 練馬区 足立区 葛飾区 江戸川区".split()
JA_BUILDINGS = "ヒカリエ パークハイツ コーポ メゾン グランドメゾン サンハイツ プラザ 第一ビル 第二ビル 新丸ビル シティタワー レジデンス ハイツ青葉 コーポ桜 マンション若葉 三井ビル 森タワー ライオンズマンション アーバンコート スカイコート エステート".split()
ZH_PROVINCES = "广东省 江苏省 浙江省 山东省 河南省 四川省 湖北省 湖南省 福建省 安徽省 河北省 辽宁省 陕西省 江西省 云南省 广西 山西省 吉林省 黑龙江省 贵州省 甘肃省 海南省 内蒙古自治区 新疆维吾尔自治区 广西壮族自治区".split()
ZH_DISTRICTS = "朝阳区 海淀区 东城区 西城区 丰台区 石景山区 通州区 浦东新区 徐汇区 静安区 黄浦区 长宁区 闵行区 天河区 越秀区 海珠区 番禺区 白云区 南山区 福田区 罗湖区 宝安区 龙岗区 西湖区 滨江区 余杭区 江干区 鼓楼区 玄武区 秦淮区 建邺区 武侯区 锦江区 青羊区 成华区 江汉区 武昌区 洪山区 雁塔区 碑林区 未央区 和平区 河西区 南开区 渝中区 江北区 渝北区 市南区 市北区 崂山区 历下区 思明区 湖里区 岳麓区 雨花区 五华区 盘龙区 城关区 开福区".split()
ZH_ESTATES = "阳光花园 锦绣花园 万科城 恒大名都 碧桂园 绿地中心 保利香槟 金地格林 世纪城 东方明珠花园 翠湖天地 龙湖天街 华润大厦 国贸大厦 科技大厦 创业大厦 银泰中心 建外SOHO 望京SOHO 龙泽苑 天通苑 幸福里 水岸名邸 紫金苑 御景湾 滨江一号 丽景湾 福星小区 育才小区 新村".split()
TW_DISTRICTS = "信義區 大安區 中正區 松山區 內湖區 士林區 北投區 文山區 南港區 板橋區 中和區 永和區 新店區 三重區 新莊區 西屯區 北屯區 南屯區 東區 西區 左營區 三民區 鳳山區 苓雅區 前鎮區 中壢區 桃園區".split()
TOWN_ENDINGS = "ville burgh ton bury mouth port view field ford ham side land stad borough chester shire wood dale brook haven fort"
NORDIC = {
    "DK": "Nørre Vester Øster Sønder Kirke Skole Mølle Strand Skov Bakke Birke Bøge Ege Linde Rosen Sol Station Hoved Frederiks Christians",
    "NO": "Stor Kirke Skole Mølle Strand Skog Bjørke Furu Gran Elve Sjø Fjell Solbakk Kongens Dronningens Karl_Johans Stasjons Industri".replace("_", " "),
    "FI": "Koulu Kirkko Asema Ranta Metsä Koivu Mänty Kuusi Keskus Puisto Satama Mäki Järvi Pelto Kauppa Mannerheimin Runeberg Lönnrot",
    "SE": "Stor Kyrko Skol Kvarn Strand Skogs Björk Tall Gran Drottning Kungs Järnvägs Stations Sveavägen_ Linné Vasa Norr Söder Väster Öster".replace("_", ""),
}
