"""The cues triage reads: weighted patterns per intent and for the tone. Data only.

Korean patterns meet text without spaces, lower-cased and folded (`providers.rules.text.squash`), so they
are written in normal spelling and folded once; English ones meet single-spaced lower-case text. A weight of
3 nearly decides, 2 speaks for, 1 supports, a negative one speaks against.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Intent = Literal[
    "return_request",
    "refund_status",
    "exchange",
    "delivery_status",
    "delivery_problem",
    "address_change",
    "order_cancel",
    "payment_problem",
    "receipt",
    "coupon",
    "points",
    "account_login",
    "account_withdraw",
    "product_defect",
    "product_question",
    "restock",
    "privacy",
    "complaint",
    "other",
]
Cues = tuple[tuple[float, str], ...]

KOREAN: Mapping[Intent, Cues] = MappingProxyType(
    {
        "return_request": (
            (
                -2.2,
                "환불.{0,14}(?:언제들|언제와|언제되|언제돼|아직|안들어|안됐|안왔|입금안|며칠)|"
                "환불.{0,5}(?:처리상태|진행|상태|현황|완료)|(?:반품|취소|수거|"
                "회수).{0,10}(?:완료|한지|보냈는데|보낸지|가져갔).{0,24}(?:환불|입금|돈|금액)",
            ),
            (2.5, "반품"),
            (
                1.5,
                "반품.{0,6}(?:하고싶|할게|하려|신청|접수|가능|되나|방법|어떻게|해주|원합|택배|"
                "배송비|기간|요청)",
            ),
            (2.0, "(?<!전)환불(?!가(?:상|한|합|인|라|이|$))"),
            (
                1.2,
                "환불.{0,6}(?:하고싶|받고싶|원해|원합|해주|가능|되나|될까|신청|요청|방법|어떻게|"
                "규정|조건|기준)",
            ),
            (
                1.5,
                "돈.{0,3}돌려(?!주신|받았)|단순변심|마음에안들|마음에들지않|생각(?:했던|"
                "한)거?(?:랑|과|하고)다르",
            ),
            (1.5, "수거.{0,5}(?:신청|요청|언제|와주|해주|접수)|돌려보내|반송하"),
            (-1.0, "반품(?:하려던|말고|대신)"),
        ),
        "refund_status": (
            (1.5, "(?:돈|금액|입금).{0,6}(?:안들어|안왔|안나왔|못받|언제)"),
            (
                3.0,
                "환불.{0,14}(?:언제|아직|안들어|안됐|안되었|안왔|안됨|안되고|입금안|지연|늦|며칠|"
                "얼마나걸|소요)",
            ),
            (2.5, "(?:언제|아직|며칠|얼마나).{0,10}(?:환불|취소금액)"),
            (
                2.5,
                "환불.{0,5}(?:처리상태|진행상황|진행상태|상태|현황|일정|예정일|처리됐|완료됐|완료되었|확인)",
            ),
            (
                2.5,
                "(?:반품|취소|수거|회수).{0,14}(?:완료|했는데|한지|보냈는데|됐는데|"
                "가져가).{0,24}(?:환불|입금|돈이|금액|카드|승인)",
            ),
            (2.0, "환불(?:금|금액|받을돈|액).{0,10}(?:언제|안|아직|들어|입금|확인)|환불받기로"),
            (2.5, "(?:카드|승인)취소.{0,10}(?:안|언제|아직|내역)|(?:입금|계좌).{0,8}안들어"),
        ),
        "exchange": (
            (
                2.4,
                r"(?:색|사이즈|치수|호수|(?:x?[sml]|[12]\d{2}|블랙|화이트|네이비|베이지|흰색|검정|"
                "다른거?|큰거?|작은거?|걸|것))(?:으로|로)(?:만|도)?(?:좀)?(?:바꾸|바꿔|바꿀|변경)",
            ),
            (2.6, "교한(?:신청|하|해|가능|되)"),
            (3.2, "교환"),
            (
                2.5,
                "(?:사이즈|색상|컬러|색깔|치수|옵션|한치수|모델|다른(?:걸|것|색|제품|상품|"
                "사이즈)).{0,8}(?:으로|로)?(?:바꾸|바꿔|바꿀|변경)",
            ),
            (1.0, "(?:작아|작은|커서|크네|작네|큰데|헐렁|꽉끼).{0,16}(?:바꾸|바꿔|변경|교환)"),
            (-2.5, "교환(?:말고|아니라|대신|필요없|은됐|은싫)"),
            (-1.5, "(?:주소|배송지|비밀번호).{0,5}(?:바꾸|바꿔|변경)"),
        ),
        "delivery_status": (
            (
                2.2,
                "(?:해외|국외|외국|제주|섬|산간).{0,10}(?:배송|발송|보내|주문)|(?:배송|발송|"
                "배달).{0,3}(?:되나|돼나|가능|되는지|해주시나)",
            ),
            (1.0, "배송비.{0,6}(?:얼마|무료|붙|추가|계산)"),
            (
                2.8,
                "(?:배송|택배|도착|출고|발송|물건|주문한거|상품).{0,10}(?:언제|며칠|얼마나걸|"
                "예정일|예정|몇일)",
            ),
            (2.5, "언제.{0,8}(?:오나|와요|오는|올까|올지|도착|배송|출고|발송|받을수|받아볼|보내|출발)"),
            (
                2.5,
                "(?:배송|택배|주문).{0,6}(?:조회|추적|현황|상태|진행|위치)|(?:송장|"
                "운송장).{0,12}(?:번호|조회|등록|알려|안뜨|없|확인)",
            ),
            (
                2.0,
                "어디쯤|어디까지왔|배송준비중|상품준비중|출고(?:됐|되었|했|가|는|안|지연)|배송이?시작|발송했",
            ),
            (1.2, "배송(?:이|은|은요|좀)?(?:안|너무|왜|아직|늦|지연|느)|배송기간|배송일"),
            (1.0, "배송|택배|아직(?:도)?안(?:왔|와|옴|오)"),
            (-2.0, "배송지|배송완료|배송중파손"),
        ),
        "delivery_problem": (
            (2.6, r"(?:[가-힣]|\d)(?:개|켤레|장|벌|병|권|세트|박스|짝|통|쪽)만(?:왔|도착|배송|들어|보내)"),
            (2.4, "빠진(?:물건|것|거|상품|채|제품)|파편|산산|조각(?:났|나서|난|이나)"),
            (
                2.2,
                "(?:사흘|이틀|나흘|열흘|보름|일주일|몇주|한달)(?:째|이?넘게|이?넘었|이?지나|"
                "이?지났)|예정일.{0,14}(?:지났|넘었|지나|넘|인데)|(?:일|시)째그대로",
            ),
            (
                3.5,
                "(?:배송|배달)(?:이|은)?(?:완료|됐다고|되었다고|됐다는데|됐다는데요|"
                "완료라고).{0,30}(?:못|안|없|모르|어디)",
            ),
            (3.0, "(?:못받|안받|받지못|받은적없).{0,20}(?:배송완료|배달완료)"),
            (
                3.2,
                "오배송|잘못배송|잘못배달|잘못(?:왔|온|보내|도착)|엉뚱한|다른(?:집|사람|주소|"
                "상품|제품|물건|게|것이|색상?이?|사이즈가?|옷이?|"
                "모델이?).{0,4}(?:왔|도착|배송|배달|갔|들어)",
            ),
            (
                3.0,
                "분실|누락|덜왔|덜온|빠져(?:있|서|왔)|빠진(?:채|것|상품)|하나만왔|개만왔|일부만|"
                "부족하게|수량이(?:부족|안맞|다르|모자)|안들어있|빈(?:상자|박스)",
            ),
            (
                3.0,
                "(?:배송|택배|배달|운송|박스|상자|포장|도착).{0,14}(?:파손|깨져|깨졌|깨진|찌그러|"
                "찢어|터져|터졌|젖|훼손|박살|부서)",
            ),
            (
                2.4,
                "(?:깨져|깨진|부서|찌그러|터져|찢어져|젖어|파손).{0,8}(?:왔|와요|와서|온상태|도착|배송|받았)",
            ),
            (1.8, "파손"),
            (
                2.0,
                "(?:배송|택배).{0,10}(?:지연|늦|일째|주째|일이지|감감무소식|멈춰|멈췄|그대로|"
                "움직이지|업데이트)",
            ),
            (
                2.0,
                "(?:일|주|주일|달|시간)(?:째|이?넘|이?지났|이?지나).{0,14}(?:안왔|안와|안옴|안오|"
                "오지않|도착하지|배송)",
            ),
            (1.5, "기사.{0,10}(?:던지|문앞|연락|불친절|경비실)"),
        ),
        "address_change": (
            (
                3.5,
                "(?:배송지|주소|수령지|받는곳|받는사람|수령인|배송메모|받는분).{0,16}(?:변경|"
                "바꾸|바꿔|바뀌|바꿀|수정|잘못|틀|고치|고쳐|정정|옮|다시)",
            ),
            (2.5, "(?:변경|수정|잘못|바뀐|틀린|옛|이전|새|다른).{0,6}(?:배송지|주소)"),
            (1.5, "이사(?:를|했|가|간|온|하|해)"),
            (1.0, "배송지|주소지|동호수"),
            (-2.0, "(?:이메일|메일|ip)주소"),
        ),
        "order_cancel": (
            (2.8, "묶음배송|합배송|합포장|(?:주문|옵션|문구|수량).{0,10}(?:수정|고쳐|정정|합쳐|나눠|바로잡)"),
            (3.2, "주문(?:을|한거|한것|건|한상품|한걸)?.{0,8}취소|취소.{0,3}주문"),
            (
                2.6,
                "취소.{0,6}(?:하고싶|해주|할게|하려|부탁|가능|되나|될까|요청|신청|방법|어떻게|"
                "원해|원합|할수|버튼|안되|시켜)",
            ),
            (1.4, "취소|잘못(?:주문|시켰|눌러|구매|샀)|실수로(?:주문|구매|결제)"),
            (
                -2.2,
                "취소.{0,10}(?:됐는데|완료|했는데|한지|되었는데|금액|내역)|(?:카드|승인|"
                "결제)취소.{0,6}(?:안|언제)",
            ),
        ),
        "payment_problem": (
            (
                3.2,
                "결제.{0,10}(?:오류|에러|실패|안되|안됨|안돼|안됩|안됐|불가|못하|거절|튕|멈|먹통|"
                "진행이안|안넘어)",
            ),
            (
                3.4,
                "(?:이중|중복|두번|2번|두차례|여러번).{0,5}(?:결제|청구|승인|출금|인출|빠져|"
                "계산)|결제.{0,8}(?:두번|2번|이중|중복|두건|2건)",
            ),
            (
                2.4,
                "(?:카드|계좌|돈|금액|통장).{0,8}(?:두번|2번|이중|더|빠져나|출금|청구)|승인(?:은|"
                "이|만|문자).{0,8}(?:났|됐|왔|거절|되)|한도초과",
            ),
            (
                2.0,
                "결제(?:가|는|만)?.{0,4}(?:됐는데|되었는데|했는데|완료).{0,16}(?:주문|내역|"
                "확인).{0,8}(?:안|없)",
            ),
            (2.0, "입금.{0,12}(?:확인|했는데|미확인|처리)|무통장|가상계좌|할부|결제수단|간편결제|결제방법"),
            (1.0, "결제|페이"),
            (-1.0, "결제.{0,4}취소"),
        ),
        "receipt": (
            (
                3.6,
                "영수증|세금계산서|계산서|현금영수|거래명세|소득공제|지출증빙|증빙|카드전표|"
                "매출전표|구매확인서",
            ),
            (1.0, "사업자(?:등록)?번호|경비처리|법인카드|발급"),
        ),
        "coupon": (
            (3.4, "쿠폰|할인코드|프로모션코드|프로모코드|할인권|바우처|기프트카드|상품권"),
            (1.2, "할인(?:이|은|을|적용)?(?:안|받|적용)|코드(?:를|가)?(?:입력|적용)"),
        ),
        "points": (
            (3.4, "적립금|포인트|마일리지|적립(?!식)"),
            (1.0, "소멸|사용기한|등급혜택"),
            (-1.0, "포인트(?:가|는)(?:되는|예쁜)"),
        ),
        "account_login": (
            (3.2, "로그인|로긴|비밀번호|비번|패스워드|아이디(?:를|가|찾|도|분실)"),
            (
                2.4,
                "인증(?:번호|문자|메일|코드)|본인인증|휴면|계정.{0,6}(?:잠|정지|접속|접근|찾|"
                "해제|막)|접속이?안|접속불가",
            ),
            (
                1.4,
                "가입.{0,6}(?:안|오류|못)|간편로그인|소셜로그인|이메일주소변경|회원정보.{0,4}(?:수정|변경)",
            ),
        ),
        "account_withdraw": (
            (3.8, "탈퇴|(?:계정|아이디|회원).{0,6}(?:삭제|없애|지우|지워|해지|말소)"),
            (1.0, "그만(?:쓰|이용)|이용을?(?:안|그만|중단)"),
        ),
        "product_defect": (
            (2.2, "보증(?!금)|배터리.{0,8}(?:부풀|부어|볼록)|부풀|줄었어|줄어들었|쪼그라|보풀|물빠짐"),
            (
                3.0,
                "불량|고장|하자(?:가|있|품|제)|결함|작동.{0,5}(?:안|불|하지않|멈)|(?:안|못)켜|"
                "안켜|안꺼|안켜지|켜지지|전원이?.{0,4}(?:안|나가|꺼)",
            ),
            (
                2.4,
                "(?:충전|연결|인식|페어링|화면|버튼|소리|블루투스|지퍼|배터리).{0,6}(?:안|불|끊|"
                "이상|오류|나가|깜빡|먹통)",
            ),
            (
                2.2,
                "(?:구멍|얼룩|스크래치|흠집|기스|곰팡이|찢어|실밥|뜯어|올이|변색|이염|물이?새|"
                "누수|금이?가|금간|벌레|이물|상했|상한|변질|냄새)",
            ),
            (
                1.8,
                "깨져|깨졌|깨진|부러|부서|망가|떨어(?:졌|져나)|이상한소리|소음|과열|뜨거워|연기|"
                "에러코드|오류코드",
            ),
            (
                1.4,
                "a/?s(?:를|가|신청|문의|접수|센터|기간|되|받|가능)|(?:수리|as|무상|보증기간|"
                "품질보증|워런티)(?:를|가|신청|문의|접수|센터|"
                "기간|되|받|가능|해주|요청)?",
            ),
        ),
        "product_question": (
            (
                2.4,
                "(?:넣어도|써도|돌려도|빨아도|사용해도|먹어도|담아도|씻어도|켜둬도|발라도|"
                "입혀도)(?:되|괜찮|돼)|몇(?:루멘|와트|w|ml|리터|l|cm|센치|센티|그램|g|kg|켈빈|"
                "인치|호|세|살)|밝기|색온도|얼마나(?:밝|크|무거|커|길|두꺼|조용)",
            ),
            (
                2.6,
                "대량(?:구매|주문|구입)|단체(?:주문|구매)|견적|로고|각인(?:되|가능|비|문의|하고)|"
                "선물(?:포장|하기|용|하려|하고싶|로보내)|정기(?:배송|구독)|구독|기념품",
            ),
            (
                2.4,
                "(?:사용법|사용방법|설명서|매뉴얼|소재|재질|성분|원산지|세탁|호환|규격|스펙|용량|"
                "정격|전압|유통기한|소비기한|방수|두께|무게|보관방법|"
                "조립방법|설치방법|사이즈표|실측|치수표|정품)",
            ),
            (
                2.0,
                "(?:사이즈|크기|색상|색깔|컬러|길이|폭|높이|모델).{0,12}(?:어떻게|어떤|얼마|뭐|"
                "무엇|추천|차이|있나|알려|궁금|문의|맞을|몇)",
            ),
            (
                1.8,
                "(?:어떤|무슨|어느).{0,8}(?:사이즈|색|제품|모델|상품)|어울|추천해|차이(?:가|점)|"
                "비교|사용(?:가능|할수|해도)|써도되|쓸수있|"
                "먹어도|맞나요|맞을까",
            ),
            (
                1.6,
                "(?:상품|제품)(?:에대해|문의|정보|상세|설명|관련(?:질문|문의))|구성품|포함되|"
                "들어있나|별도구매",
            ),
            (-1.5, "교환|환불|반품|취소"),
        ),
        "restock": (
            (-3.0, "(?:환불|돈|입금|적립|포인트|쿠폰|금액|문자|연락).{0,14}들어(?:오|와|왔)"),
            (2.0, "(?:언제|다시).{0,4}(?:들어오|살수|판매|나오나|구할수)|다팔렸|팔렸던데"),
            (
                3.8,
                "재입고|입고.{0,8}(?:언제|예정|알림|되나|될까|문의|계획|일)|품절|일시품절|"
                "솔드아웃|재판매|재고",
            ),
            (1.4, "다시(?:판매|나오|들어오|살수|입고)|언제(?:다시)?(?:살수|구매할수|들어오)"),
        ),
        "privacy": (
            (
                2.6,
                "(?:이름|전화번호|주소|번호).{0,20}(?:다찍혀|찍혀서|노출|보이게|공개|그대로나)|"
                "넘어간|별표로가리",
            ),
            (
                3.8,
                "개인정보|정보유출|유출|마케팅.{0,6}(?:동의|수신|거부|철회)|수신(?:거부|동의)|"
                "광고(?:문자|메일|성|전화).{0,10}(?:안|"
                "그만|거부|중단|차단|와|오|받)|제3자|스팸",
            ),
            (
                2.4,
                "(?:내|제|저의|나의|고객)정보.{0,6}(?:삭제|열람|파기|어떻게|유출|조회|어디)|"
                "열람(?:을|요청)|동의.{0,3}철회|cctv|명의도용|해킹",
            ),
            (1.2, "문자.{0,6}(?:그만|안받|받기싫|차단)"),
        ),
        "complaint": (
            (2.4, "건의(?!사항없)|개선(?:해|바랍|요청|해야)|칭찬"),
            (
                3.2,
                "불친절|소비자원|소비자보호원|공정위|민원|컴플레인|불만(?:이|을|접수|사항|족)?|"
                "책임자|무책임|상담(?:원|사|"
                "직원)?.{0,14}(?:태도|불친절|무례|말투|막말|끊어|끊었|짜증|응대)",
            ),
            (
                2.2,
                "(?:응대|대응|태도|서비스|고객센터|상담원|전화).{0,12}(?:최악|엉망|형편없|실망|"
                "너무|답답|화|안받|안받아|연결이?안|무시|별로|왜이)",
            ),
            (
                1.6,
                "사기|사과|어이없|어이가없|너무하|황당|화가나|화나|짜증|열받|실망|최악|"
                "다시는.{0,8}(?:안|이용|구매)|고소|고발|신고하|장난하|"
                "몇번(?:째|을|이나)|답변이?(?:없|안)",
            ),
        ),
        "other": (
            (
                2.2,
                "제휴|입점|채용|인턴|협찬|도매|팝업|매장이?(?:없|있|어디)|매장(?:위치|이|은|어디|"
                "영업)|영업시간|"
                "운영시간|오시는길|감사인사|제휴제안|후기",
            ),
        ),
    }
)

ENGLISH: Mapping[Intent, Cues] = MappingProxyType(
    {
        "return_request": (
            (2.2, r"\b(?:reimburs\w+|restitution|compensat\w+|money ?-?back|my money)\b"),
            (
                -2.0,
                r"\brefund\b.{0,160}\b(?:still|yet|when|status|days? ago|weeks? ago|been \d+)\b|"
                r"\b(?:still|yet|when|where)\b.{0,60}\brefund\b",
            ),
            (2.6, r"\breturn(?:s|ed|ing)?\b(?! (?:my|to my|the)? ?(?:call|email|message))"),
            (
                1.4,
                r"\b(?:want|like|need|wish|how|can|start|request|trying)\b[^.?!]{0,25}\b(?:return|"
                r"refund|send (?:it|this|them) back)",
            ),
            (2.0, r"\brefund(?:s|ed|able)?\b"),
            (
                2.0,
                r"\bsend(?:ing)? (?:it|this|them|the \w+) back\b|\breturn (?:label|policy|"
                r"window)\b|\bchanged my mind\b",
            ),
            (1.0, r"\b(?:not what i expected|don't (?:want|like|need) (?:it|this|them)|doesn't suit)\b"),
        ),
        "refund_status": (
            (
                3.0,
                r"\b(?:track|check|status|updates?|progress|where|when|follow|"
                r"news)\b[^.?!]{0,30}\b(?:refund|reimbursement|restitution|compensation|rebate|"
                r"money back)\b(?! (?:policy|guarantee|terms|conditions))|\b(?:refund|"
                r"reimbursement|restitution|compensation|rebate)\b[^.?!]{0,25}\b(?:status|"
                r"progress|processed|update)",
            ),
            (
                2.0,
                r"\brefund\b.{0,200}\b(?:still (?:nothing|no|not|waiting)|actual date|nothing on "
                r"my (?:card|account)|been \d+ (?:days|weeks))\b",
            ),
            (
                3.0,
                r"\brefund\b[^.?!]{0,45}\b(?:when|yet|still|status|pending|not|hasn't|haven't|"
                r"long|take|where|process\w*|arriv\w*|received|late)\b",
            ),
            (
                3.0,
                r"\b(?:when|where|still|status|haven't|hasn't|not|how long|waiting|"
                r"yet)\b[^.?!]{0,45}\brefund(?!s? policy)",
            ),
            (
                2.4,
                r"\b(?:returned|sent back|cancel+ed)\b.{0,60}\b(?:refund|money|credit)\b|"
                r"\bmoney\b[^.?!]{0,20}\b(?:back|returned)\b[^.?!]{0,12}\byet\b",
            ),
        ),
        "exchange": (
            (3.4, r"\bexchang(?!e (?:student|rate|program))\w+|\bswap(?:ped|ping)?\b"),
            (
                2.6,
                r"\b(?:different|another|bigger|smaller|larger|right|correct) (?:size|colou?r|one|model)\b",
            ),
            (1.2, r"\b(?:too (?:small|big|large|tight|loose)|doesn't fit|wrong size|replace(?:ment)?)\b"),
        ),
        "delivery_status": (
            (
                2.6,
                r"\b(?:check|see|view|track|follow|locate|status of|eta of|"
                r"monitor)\b[^.?!]{0,25}\b(?:order|delivery|shipment|parcel|package|purchase|"
                r"item)\b(?!.{0,12}\baddress)|\b(?:delivery|shipping) (?:period|options?|methods?|"
                r"times?|cost|fees?)\b|\bhow (?:long|soon)\b[^.?!]{0,30}\b(?:deliver\w*|shipp?\w*|"
                r"arrive|take to (?:get|reach))\b",
            ),
            (
                -1.6,
                r"\b(?:says?|marked|shows?) (?:as )?delivered\b|\barrived (?:broken|damaged)\b|"
                r"\bhasn't moved\b|\bstuck\b",
            ),
            (
                1.6,
                r"\b(?:ship|deliver) to\b|\bpick (?:it )?up (?:myself|in person)\b|"
                r"\binternational (?:shipping|delivery)\b",
            ),
            (
                2.6,
                r"\b(?:track\w*|shipping status|delivery (?:status|date|time)|on its way|"
                r"estimated (?:delivery|arrival)|eta)\b",
            ),
            (
                2.6,
                r"\b(?:when|where)\b[^.?!]{0,40}\b(?:order|package|parcel|delivery|shipment|item|"
                r"arriv\w+|deliver\w+|ship\w*)\b",
            ),
            (
                1.6,
                r"\b(?:has(?:n't)? (?:it )?(?:been )?shipped|shipped yet|not shipped|dispatch\w*|"
                r"out for delivery|how long does (?:shipping|delivery))\b",
            ),
            (1.0, r"\b(?:deliver\w*|shipping|shipment|parcel|package|courier)\b"),
            (-2.0, r"\b(?:delivery|shipping) address\b"),
        ),
        "delivery_problem": (
            (
                3.0,
                r"\b(?:hasn't|has not|not|isn't|no) (?:been )?(?:mov\w+|movement|updat\w+)\b|"
                r"\b(?:tracking|parcel|package|shipment)\b[^.?!]{0,25}\bstuck\b|"
                r"\bstuck\b[^.?!]{0,25}\b(?:tracking|hub|customs|depot)\b",
            ),
            (
                1.8,
                r"\b(?:arrived|came|turned up) (?:all )?(?:broken|damaged|smashed|cracked|crushed|"
                r"open|shattered)\b",
            ),
            (
                3.4,
                r"\b(?:says?|marked|shows?|showing|stat\w+)\b[^.?!]{0,18}\bdelivered\b|"
                r"\bdelivered\b[^.?!]{0,40}\b(?:but|not|never|nothing|isn't|wasn't|neighbou?r)\b",
            ),
            (
                3.4,
                r"\b(?:wrong|different|incorrect) (?:item|product|order|thing|parcel|package|"
                r"model|address delivered)\b|\b(?:sent|received|got|delivered) (?:me )?(?:the |a "
                r")?(?:wrong|different|someone else)",
            ),
            (
                3.0,
                r"\b(?:lost|stolen|missing)\b|\b(?:never|not|hasn't|haven't|didn't) (?:yet "
                r")?(?:arrived?|received?|come|came|turned up|shown up)\b|\bonly (?:one|two|part|"
                r"half|\d+) (?:of|arrived|came|item)",
            ),
            (
                2.6,
                r"\b(?:arrived|came|delivered|package|parcel|box|shipping|transit|"
                r"packaging)\b[^.?!]{0,40}\b(?:damaged|broken|crushed|cracked|smashed|shattered|"
                r"torn|wet|open(?:ed)?)\b",
            ),
            (
                2.4,
                r"\b(?:delivery|parcel|package|shipment|order)\b[^.?!]{0,30}\b(?:late|delayed|"
                r"overdue|stuck|hasn't moved|weeks?)\b|\bdelivery delay",
            ),
            (1.4, r"\bempty box\b|\bdriver\b|\bcourier\b"),
        ),
        "address_change": (
            (
                3.6,
                r"\b(?:chang|updat|correct|edit|modif|fix|switch)\w*\b[^.?!]{0,30}\b(?<!e-mail "
                r")(?<!email )address\b|\baddress\b[^.?!]{0,25}\b(?:wrong|incorrect|change\w*|"
                r"mistake|typo|update\w*|old)\b",
            ),
            (
                2.6,
                r"\b(?:wrong|new|different|old|another|previous) (?:delivery |shipping |home |"
                r"street )?address\b",
            ),
            (1.4, r"\b(?:moved|moving)\b|\bdeliver(?:ed)? (?:it )?(?:somewhere else|to my (?:office|work))"),
        ),
        "order_cancel": (
            (2.2, r"\b(?:don't|do not|no longer) (?:want|need)\b[^.?!]{0,20}\border\b"),
            (-2.2, r"\bcancel\w*\b[^.?!]{0,12}\b(?:account|membership|subscription|profile)\b"),
            (3.0, r"\bcancel\w*\b"),
            (1.4, r"\bcancel\w*\b[^.?!]{0,25}\border\b|\border\b[^.?!]{0,25}\bcancel\w*"),
            (
                1.4,
                r"\b(?:ordered|bought) (?:it |this )?by (?:mistake|accident)\b|\baccidentally "
                r"(?:ordered|bought)\b",
            ),
            (-2.0, r"\bcancel+ed\b[^.?!]{0,50}\b(?:refund|money|but)\b"),
        ),
        "payment_problem": (
            (
                3.2,
                r"\b(?:problems?|issues?|errors?|trouble|difficult\w+|unable|can't|cannot|"
                r"couldn't|wrong|fail\w*)\b[^.?!]{0,30}\b(?:pay(?:ing|ment|ments)?|checkout|check "
                r"out|online purchase|my (?:credit |debit )?card)\b",
            ),
            (
                2.6,
                r"\b(?:pay(?:ment)? (?:methods?|options?|modalities)|(?:pay|paying) (?:with|by|"
                r"using|in)|accept(?:ed)?\b[^.?!]{0,15}\b(?:cards?|visa|paypal|payments?))\b",
            ),
            (
                3.4,
                r"\b(?:charged|billed|paid|debited)\b[^.?!]{0,25}\b(?:twice|two times|double|"
                r"again|extra|too much|wrong)\b|\bdouble[- ](?:charge|bill)\w*|\bduplicate "
                r"(?:charge|payment|transaction)\b",
            ),
            (
                3.2,
                r"\b(?:payment|checkout|card|transaction|pay)\b[^.?!]{0,30}\b(?:fail\w*|error|"
                r"declined|rejected|not work\w*|won't|doesn't|cannot|can't|stuck|go through|going "
                r"through)\b",
            ),
            (
                2.4,
                r"\b(?:can't|cannot|unable to|couldn't|won't let me) (?:pay|check ?out|complete "
                r"(?:the|my) (?:payment|purchase|order))\b",
            ),
            (
                1.8,
                r"\b(?:unauthori[sz]ed|unknown|unexpected) (?:charge|payment|transaction)\b|"
                r"\bpayment method|\binstal+ments?\b|\bcharge[ds]? on my (?:card|statement)",
            ),
            (1.0, r"\b(?:payment|charged?|paid|checkout|credit card)\b"),
        ),
        "receipt": (
            (
                2.8,
                r"\b(?:see|seeing|view|get|find|download|obtain|request|need|send|copy of|the|my|"
                r"a) bills?\b(?! me)",
            ),
            (3.6, r"\b(?:receipts?|invoices?|tax (?:bill|document)|proof of purchase|vat)\b"),
        ),
        "coupon": (
            (
                3.4,
                r"\b(?:coupons?|vouchers?|promo(?:tion(?:al)?)? ?codes?|discount codes?|gift "
                r"?cards?|promocode)\b",
            ),
            (2.2, r"\bdiscount\w*\b"),
        ),
        "points": (
            (
                3.4,
                r"\b(?:(?:loyalty|reward|bonus|membership|my|the|of)s? points?|points (?:balance|"
                r"expir\w*|earned|missing|are|were|have|disappear\w*)|store credits?|mileage|"
                r"rewards?)\b",
            ),
            (1.6, r"\bpoints\b"),
        ),
        "account_login": (
            (
                2.8,
                r"\b(?:pass ?code|pin(?: code)?|(?:user|access|account) (?:key|pin|id)|(?:reset|"
                r"recover|retrieve|forgot\w*|lost) (?:my |the |our )?(?:\w+ )?(?:key|pin|account|"
                r"passwords?|profile|login))\b|\b(?:regist(?:er|ering|ration)|sign(?:ing)? "
                r"?-?up)\b",
            ),
            (
                3.2,
                r"\b(?:log(?:ging)? ?-?in\w*|log me in|sign(?:ing)? ?-?in|passwords?|locked out|"
                r"log into|logged out)\b",
            ),
            (
                2.4,
                r"\b(?:verification|security|one[- ]time|auth\w*) (?:code|e-?mail|link|text)\b|"
                r"\baccess (?:to )?my account\b|\baccount\b[^.?!]{0,20}\b(?:locked|suspended|"
                r"blocked|access)\b|\busername\b",
            ),
            (1.2, r"\b2fa\b|\breset (?:link|email)\b"),
        ),
        "account_withdraw": (
            (
                2.6,
                r"\b(?:cancel\w*|get rid of|erase|eliminat\w*|shut down|"
                r"leave)\b[^.?!]{0,20}\b(?:account|membership|profile)\b|\b(?:don't|do not|no "
                r"longer) want (?:my|this|the|to have (?:an|my))\b[^.?!]{0,10}\b(?:account|"
                r"membership)\b",
            ),
            (
                3.8,
                r"\b(?:delet|clos|deactivat|remov|terminat)\w*\b[^.?!]{0,20}\b(?:account|"
                r"membership|profile)\b|\b(?:account|membership) (?:deletion|closure|withdrawal)\b",
            ),
            (2.4, r"\b(?:unregister|withdraw (?:my|from)|cancel my (?:account|membership))\b"),
        ),
        "product_defect": (
            (
                -1.6,
                r"\b(?:arrived|came|turned up) (?:all )?(?:broken|damaged|smashed|cracked|crushed|"
                r"shattered)\b",
            ),
            (
                3.0,
                r"\b(?:defect\w*|faulty|malfunction\w*|broken|stopped working|not working|doesn't "
                r"work|does not work|won't (?:turn on|start|charge|work|connect|power)|dead on "
                r"arrival|not turning on)\b",
            ),
            (
                2.2,
                r"\b(?:scratch\w*|crack\w*|stain\w*|hole|leak\w*|mold|mouldy?|torn|ripped|peeling|"
                r"overheat\w*|flicker\w*|rattl\w*|buzzing|noise|smells?|snapped|came apart|fell "
                r"(?:apart|off))\b",
            ),
            (
                1.8,
                r"\b(?:warrant\w+|repair\w*|error code)\b|\b(?:battery|screen|zipper|button|"
                r"charger|bluetooth)\b[^.?!]{0,25}\b(?:dies|died|dead|broke|off|drops|"
                r"disconnect\w*|stuck|black)\b",
            ),
        ),
        "product_question": (
            (
                2.4,
                r"\b(?:material|ingredients?|dimensions?|measurements?|compatib\w+|specs?|"
                r"specification\w*|instructions?|manual|waterproof|washable|machine[- ]wash|made "
                r"of|size (?:chart|guide)|weigh[st]?|capacity|voltage|shelf life|expiry date)\b",
            ),
            (
                2.0,
                r"\b(?:which|what) (?:size|colou?r|model|version)\b|\bhow (?:do|should|can) (?:i|"
                r"you|we) (?:use|wash|clean|assemble|install|set ?up|store|charge)\b|\bhow (?:big|"
                r"long|heavy|wide|tall|thick)\b(?! does (?:shipping|delivery|it take))",
            ),
            (
                1.8,
                r"\b(?:is|are|does|do|can|will) (?:it|this|these|they|the \w+(?: \w+)?) (?:fit|"
                r"work with|come with|include|support|be used|suitable|safe|run (?:small|large)|"
                r"true to size)\b|\bdifference between\b|\brecommend\b",
            ),
            (
                1.2,
                r"\b(?:question|wondering|curious|information|info) (?:about|on|regarding) (?:the|"
                r"this|your|a) (?:product|item)?",
            ),
        ),
        "restock": (
            (
                3.8,
                r"\b(?:re-?stock\w*|back in stock|sold out|out of stock|in stock|available again|"
                r"availability|come back|coming back)\b",
            ),
            (1.2, r"\b(?:notify|alert) me\b|\bpre-?order\b"),
        ),
        "privacy": (
            (2.2, r"\b(?:un)?subscri(?:be|bing|ption)\b"),
            (
                3.6,
                r"\b(?:personal (?:data|information|details|info)|privacy|gdpr|data (?:breach|"
                r"protection|leak|request)|unsubscribe|opt(?:ing)? out|marketing (?:e-?mails?|"
                r"texts?|messages?|calls?)|spam|newsletters?)\b",
            ),
            (
                2.2,
                r"\b(?:my|our) (?:data|information|details|info)\b|\bhacked\b|"
                r"\bleak(?:ed)?\b[^.?!]{0,15}\b(?:data|info\w*|address)\b|\bthird part(?:y|ies)\b",
            ),
        ),
        "complaint": (
            (
                2.8,
                r"\b(?:mak|fil|lodg|submit|report|register)\w*\b[^.?!]{0,15}\bclaims?\b|\b(?:not "
                r"happy|unhappy|dissatisfied|unsatisfied) with\b",
            ),
            (
                3.2,
                r"\b(?:complain\w*|rude|unprofessional|disrespect\w*|manager|supervisor|consumer "
                r"(?:protection|agency|rights)|formal complaint|hung up)\b",
            ),
            (
                2.2,
                r"\b(?:terrible|awful|horrible|worst|poor|appalling|disgusting|pathetic|bad) "
                r"(?:customer )?(?:service|support|experience|attitude|treatment|company)\b|"
                r"\bnobody (?:answers|replies|responds|helps)\b|\b(?:ignored|no (?:one|reply|"
                r"response|answer))\b",
            ),
            (
                1.6,
                r"\b(?:disappointed|unacceptable|ridiculous|furious|angry|outrag\w+|frustrat\w+|"
                r"fed up|never (?:buy|shop|order)\w*|joke|scam|lawyer|sue)\b",
            ),
        ),
        "other": (
            (
                2.2,
                r"\b(?:partnership|wholesale|bulk order|job|career|hiring|press|store (?:hours|"
                r"location)|opening hours|business hours|collaborat\w+|compliment)\b",
            ),
        ),
    }
)

NEGATIVE_KO: Cues = (
    (
        1.2,
        "무섭|무서워|겁나|겁이나|찜찜|설마|왜(?:줍니까|냅니까|없앨|없애|지운|지웠|자꾸)|"
        "이유라도|떠넘|말이(?:됩니|안되|안돼)|서운|아쉽|허탈|뭐하(?:자는|시는)",
    ),
    (0.8, "없어졌|사라졌|줄었어|오타|부풀|냄새가"),
    (
        2.0,
        "화가나|화나|짜증|열받|어이(?:가)?없|황당|최악|엉망|형편없|불친절|실망|사기|"
        "너무하|무책임|장난하|기분(?:이)?(?:나쁘|상)|불쾌|"
        "분노|미치겠|뭐하는|말이됩니까|말이되나|환장|답답|속상|억울|최악|쓰레기|다시는",
    ),
    (
        1.2,
        "불만|불편|도대체|아직도|몇번(?:째|이나|을)|왜이(?:렇게|리)|왜안|왜아직|벌써|"
        "계속.{0,6}(?:안|없)|황당|당황|걱정|불안|급한데|"
        "곤란|못쓰겠|너무(?:늦|느리|오래)|신고|고소|고발|소비자원|책임",
    ),
    (
        0.8,
        "파손|깨져|깨졌|깨진|불량|고장|망가|오배송|분실|누락|유출|하자|안왔|안옴|안와요|"
        "안들어|잘못(?:왔|온|보)|찢어|찌그러|두번결제|이중결제|중복결제",
    ),
)
POSITIVE_KO: Cues = (
    (2.0, "애용|예뻐요|예쁘네|예쁩니다|너무예|마음에들|기대(?:하고|됩|돼|중)|응원"),
    (
        2.0,
        "최고|만족|마음에(?:쏙)?들(?:어|었|고)|너무(?:좋|예쁘|감사|친절|잘)|정말(?:좋|"
        "감사|고맙|친절|잘)|아주(?:좋|만족)|덕분에|"
        "친절하(?:게|신|고|셔|시)|칭찬|감동|추천하고|번창|고마웠|잘쓰고|잘사용하고|"
        "잘받았|잘입고|좋아요|좋네요|좋았",
    ),
)
NEGATIVE_EN: Cues = (
    (
        1.2,
        r"\b(?:won'?t work|invalid|tried (?:\d+|two|three|several|many) times|your "
        r"mistake|nothing at|second time|second time this|ruined|asap|seriously)\b",
    ),
    (
        2.0,
        r"\b(?:angry|furious|unacceptable|ridiculous|terrible|awful|horrible|worst|"
        r"disgust\w*|outrag\w*|appalling|pathetic|fed up|scam|rude|disappoint\w*|"
        r"frustrat\w*|annoy\w*|upset|complain\w*|a joke|useless|never again|sick of)\b",
    ),
    (
        1.2,
        r"\b(?:still (?:no|not|haven't|hasn't|waiting)|again and again|third time|twice "
        r"now|worried|concerned|unhappy|poor|bad|nobody|no one|ignored|lawyer|sue|why "
        r"(?:hasn't|haven't|is it taking|has))\b",
    ),
    (
        0.8,
        r"\b(?:broken|damaged|defective|faulty|wrong item|lost|missing|never (?:arrived|"
        r"received)|not working|stopped working|charged twice|leak(?:ed)?|cracked|torn|"
        r"shattered|crushed)\b",
    ),
)
POSITIVE_EN: Cues = (
    (
        2.0,
        r"\b(?:love (?:it|this|the|your|my)|loved|great|excellent|amazing|wonderful|"
        r"fantastic|perfect\w*|very happy|so happy|really happy|delighted|awesome|"
        r"impressed|keep up|best (?:service|shop|store)|really appreciate|thank you so "
        r"much|thanks a lot for)\b",
    ),
)
