"""What people write around a question: greetings, what happened before, moods, endings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ccos.domain.prompt import Language


@dataclass(frozen=True, slots=True)
class Frames:
    """`{p}` stands for a product, `{d}` for a day."""

    products: tuple[str, ...]
    days: tuple[str, ...]
    subjects: tuple[str, ...]
    greetings: tuple[str, ...]
    before: tuple[str, ...]
    asides: tuple[str, ...]
    angry: tuple[str, ...]
    glad: tuple[str, ...]
    endings: tuple[str, ...]
    joints: tuple[str, ...]


_KOREAN = Frames(
    products=tuple(
        "셔츠 니트 원피스 담요 쿠션 머그 컵 텀블러 슬리퍼 무드등 가습기 이어폰 청소기 양말 잠옷 러그 커튼 시계"
        " 만년필 트레이 캔들 디퓨저 우산 가방 모자 앞치마 이불 베개 접시 화병 조명 스피커 운동화 코트 장갑".split()
    ),
    days=tuple("어제 그제 오늘 지난주 월요일 금요일 지난달 3일 며칠 보름 방금 아침 저녁 11월 10월".split()),
    subjects=(
        "문의드립니다",
        "문의요",
        "질문있어요",
        "급합니다",
        "도와주세요",
        "확인 부탁드립니다",
        "안녕하세요",
        "궁금한 점이 있습니다",
        "이거 뭐죠",
        "빠른 답변 부탁",
        "문의",
        "저기요",
        "{p} 문의",
        "{p} 관련",
        "주문 관련 문의",
        "배송 문의",
        "반품 문의",
        "환불 문의",
        "결제 문의",
    ),
    greetings=(
        "안녕하세요",
        "안녕하세요.",
        "수고하십니다.",
        "안녕하세요 고생 많으십니다",
        "저기요",
        "여보세요",
        "안뇽하세요~",
    ),
    before=(
        "{d} {p} 주문했는데",
        "{d}에 {p} 샀어요.",
        "{p} 하나 시켰습니다.",
        "{d} {p} 두 개를 주문한 사람입니다.",
        "{d} 받은 {p} 말인데요.",
        "주문번호는 20260101-0001 입니다.",
        "{p} 때문에 연락드려요.",
        "처음 이용하는데",
        "앱에서 {p} 주문하고",
        "{p} 선물로 샀는데",
        "엄마 드리려고 {p} 샀거든요.",
        "{d} 결제한 건인데요",
        "회사에서 쓰려고 {p} 샀습니다.",
        "전화가 계속 통화중이라 여기 남깁니다.",
        "자주 이용하는 고객인데요",
        "홈페이지를 아무리 찾아봐도 안 나와서요.",
        "{p} 잘 쓰고 있었는데",
        "{d} {p} 49,000원 결제했고요.",
        "앱은 제일 최신 버전이에요.",
        "아이폰 씁니다.",
        "혼자 살아서 낮에는 집에 없어요.",
        "{d}까지 필요한 물건이에요.",
    ),
    asides=(
        "상담 전화는 연결이 안 되네요.",
        "다음 주에 여행을 가요.",
        "설명서에도 없고요.",
        "{p}는 마음에 들어요.",
        "사진 첨부합니다.",
        "아이가 기다리고 있어요.",
        "친구는 된다던데요.",
        "예전에는 됐었는데요.",
        "자세히 좀 알려주세요.",
        "제가 잘 몰라서요.",
        "혹시 몰라 미리 여쭤봐요.",
        "처음 겪는 일이라 당황스럽네요.",
        "다른 데는 안 이러던데.",
    ),
    angry=(
        "진짜 짜증나네요",
        "너무 화가 납니다",
        "이게 말이 됩니까",
        "몇 번을 문의해야 하나요",
        "최악이네요 정말",
        "장난하세요?",
        "실망이 큽니다",
        "다시는 안 삽니다",
        "어이가 없네요",
        "답답해 죽겠어요",
        "환장하겠네",
        "일처리가 왜 이래요",
        "벌써 세 번째 문의입니다",
        "사기당한 기분이에요",
        "ㅠㅠㅠㅠ 속상해요",
        "하 진짜",
        "!!!!",
    ),
    glad=(
        "늘 잘 쓰고 있어요",
        "배송 빨라서 좋았어요",
        "항상 친절하셔서 감사해요",
        "정말 마음에 들어요 고맙습니다",
        "최고예요",
    ),
    endings=(
        "감사합니다",
        "답변 부탁드립니다.",
        "빠른 답변 부탁드려요",
        "확인 부탁드립니다",
        "알려주세요",
        "수고하세요",
        "부탁드려요~",
        "연락 주세요",
        "답변 기다릴게요",
        "빨리요",
        "ㅠㅠ",
        "ㅜㅜ",
        "??",
        "좀 알려주세요",
        "궁금합니다",
        "고맙습니다.",
    ),
    joints=("그리고", "그리고요", "또", "하나 더요", "추가로", "아 그리고", "참,", "2."),
)
_ENGLISH = Frames(
    products=tuple(
        "shirt sweater blanket cushion mug tumbler slippers lamp humidifier earbuds vacuum socks rug clock pen"
        " tray candle bag hat pillow plate vase speaker shoes coat".split()
    ),
    days=(
        "yesterday",
        "last week",
        "on Monday",
        "today",
        "two days ago",
        "last month",
        "on the 3rd",
        "this morning",
    ),
    subjects=(
        "Question",
        "Help please",
        "Question about my order",
        "Urgent",
        "Order 20260101-0001",
        "hello",
        "{p}",
        "Inquiry",
        "About the {p}",
        "quick question",
        "my order",
        "Problem",
    ),
    greetings=("Hi", "Hello,", "Hi there,", "Dear team,", "Hello!", "Good morning,", "hey"),
    before=(
        "I ordered a {p} {d}.",
        "I bought the {p} {d} and",
        "My order is 20260101-0001.",
        "I am writing about the {p}.",
        "The {p} is a gift for my sister.",
        "I could not get through on the phone.",
        "This is my first order with you.",
        "I live in Seoul.",
        "I do not read Korean well.",
        "I paid 49,000 won {d}.",
        "I searched the site but found nothing.",
    ),
    asides=(
        "I attach a photo.",
        "I leave for a trip next week.",
        "It worked before.",
        "The {p} itself is lovely.",
        "I am not sure how this works.",
        "My friend said it is possible.",
        "Just checking before I decide.",
    ),
    angry=(
        "This is ridiculous.",
        "I am very disappointed.",
        "This is the third time I ask.",
        "Terrible service.",
        "I am really annoyed.",
        "Unacceptable.",
        "I will not order again.",
        "What is going on?!",
    ),
    glad=(
        "I love your shop.",
        "Great service so far.",
        "Thanks for the quick delivery.",
        "The {p} is wonderful.",
    ),
    endings=(
        "Thanks",
        "Thank you.",
        "Please advise.",
        "Please help",
        "Best regards",
        "Let me know.",
        "Cheers",
        "asap please",
    ),
    joints=("Also,", "And", "One more thing:", "2.", "Another question:"),
)
FRAMES: Mapping[Language, Frames] = {"ko": _KOREAN, "en": _ENGLISH}
