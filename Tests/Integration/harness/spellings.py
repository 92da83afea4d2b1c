"""The same message in other words: every legal JSON spelling and every legal wire form of it."""

import base64
import json
import random
import struct

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor as Field

from harness.messages import ID_BYTES, SKIPPED, is_member, known_fields
from harness.otlp import with_hex_ids

INTEGERS_64 = {Field.TYPE_INT64, Field.TYPE_UINT64, Field.TYPE_FIXED64, Field.TYPE_SFIXED64}
SPACES = ["", "", "", " ", "\n", "\t\r\n  "]
UNKNOWN = ['"\\u0000":null', '"":{"":[{}]}', '"x":1e400', '"spanz":[[["\\ud83d\\ude00",-0.5e-7]]]', '"Name":"no"']
SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def protobuf_json(message, chance: random.Random) -> bytes:
    """What Python's own JSON encoder writes, with some choice of its options; ids in hex."""
    document = json_format.MessageToDict(
        message,
        preserving_proto_field_name=chance.random() < 0.5,
        use_integers_for_enums=chance.random() < 0.7,
        always_print_fields_with_no_presence=chance.random() < 0.3,
    )
    indent = chance.choice((None, None, 1))
    return json.dumps(with_hex_ids(document), ensure_ascii=chance.random() < 0.5, indent=indent).encode()


class JSONSpelling:
    """Writes a message as JSON in a way that no encoder does: any order, spacing, escapes, numbers and names."""

    def __init__(self, chance: random.Random):
        self.chance = chance

    def likely(self, share: float) -> bool:
        return self.chance.random() < share

    def space(self) -> str:
        return self.chance.choice(SPACES) if self.is_spaced else ""

    def request(self, message) -> bytes:
        self.is_spaced = self.likely(0.5)
        return (self.space() + self.object(message) + self.space()).encode()

    def object(self, message) -> str:
        present = {field.number for field, _ in message.ListFields()}
        members = []
        for field in known_fields(message.DESCRIPTOR):
            name = field.name if self.likely(0.2) else field.json_name
            if field.number in present:
                value = self.value(getattr(message, field.name), field)
            elif self.likely(0.05):
                value = self.absent(field)
            else:
                continue
            members.append(f"{self.text(name)}{self.space()}:{self.space()}{value}")
        if self.likely(0.05):
            members.append(self.chance.choice(UNKNOWN))
        if self.likely(0.4):
            self.chance.shuffle(members)
        return "{" + self.space() + f"{self.space()},{self.space()}".join(members) + self.space() + "}"

    def absent(self, field) -> str:
        """proto3 JSON: null is absent; so is the default of a field without presence."""
        if field.is_repeated:
            return self.chance.choice(("null", "[]"))
        if field.has_presence:
            return "null"
        if field.type in (Field.TYPE_STRING, Field.TYPE_BYTES):
            return self.chance.choice(("null", '""'))
        return self.chance.choice(("null", "false" if field.type == Field.TYPE_BOOL else "0"))

    def value(self, value, field) -> str:
        if field.is_repeated:
            entries = [self.single(entry, field) for entry in value]
            return "[" + self.space() + f"{self.space()},{self.space()}".join(entries) + self.space() + "]"
        return self.single(value, field)

    def single(self, value, field) -> str:
        if field.type == Field.TYPE_MESSAGE:
            return self.object(value)
        if field.type == Field.TYPE_STRING:
            return self.text(value)
        if field.type == Field.TYPE_BYTES:
            return self.id(value) if field.name in ID_BYTES else self.base64(value)
        if field.type == Field.TYPE_BOOL:
            return "true" if value else "false"
        if field.type == Field.TYPE_DOUBLE:
            return self.double(value)
        if field.type == Field.TYPE_ENUM:
            name = field.enum_type.values_by_number.get(value)
            return f'"{name.name}"' if name and self.likely(0.2) else str(value)
        return self.integer(value)

    def id(self, value: bytes) -> str:
        letters = [letter.upper() if self.likely(0.3) else letter for letter in value.hex()]
        return '"' + "".join(letters) + '"'

    def base64(self, value: bytes) -> str:
        encode = base64.urlsafe_b64encode if self.likely(0.4) else base64.b64encode
        text = encode(value).decode()
        return '"' + (text.rstrip("=") if self.likely(0.4) else text) + '"'

    def integer(self, value: int) -> str:
        digits = str(value)
        choice = self.chance.random()
        if choice < 0.1:
            digits += "." + "0" * self.chance.randint(1, 3)
        elif choice < 0.2:
            digits += "0e-1" if value and self.likely(0.5) else "e0"
        elif choice < 0.3:
            stripped = digits.rstrip("0") or "0"
            digits = stripped + f"e{len(digits) - len(stripped)}"
        elif choice < 0.35 and abs(value) > 9:
            sign, bare = ("-", digits[1:]) if value < 0 else ("", digits)
            digits = f"{sign}{bare[0]}.{bare[1:]}E+{len(bare) - 1}"
        return f'"{digits}"' if self.likely(0.5) else digits

    def double(self, value: float) -> str:
        if value != value:
            return '"NaN"'
        if value in (float("inf"), float("-inf")):
            return '"Infinity"' if value > 0 else '"-Infinity"'
        options = [repr(value), f"{value:.17g}", f"{value:.20e}", f"{value:.16E}"]
        if value == int(value) and abs(value) < 2**53 and str(value) != "-0.0":
            options.append(str(int(value)))
        digits = self.chance.choice(options)
        return f'"{digits}"' if self.likely(0.2) else digits

    def text(self, value: str) -> str:
        share = self.chance.choice((0, 0, 0.1, 1))
        return '"' + "".join(self.letter(letter, share) for letter in value) + '"'

    def letter(self, letter: str, share: float) -> str:
        if share and self.likely(share):
            units = struct.unpack(f">{len(letter.encode('utf-16-be')) // 2}H", letter.encode("utf-16-be"))
            return "".join(f"\\u{unit:04{self.chance.choice('xX')}}" for unit in units)
        if letter == "/" and self.likely(0.3):
            return "\\/"
        if letter in SHORT:
            return SHORT[letter]
        return f"\\u{ord(letter):04x}" if letter < " " else letter


class WireForm:
    """Writes a message in protobuf as no encoder does: parts, other orders, other packing, long varints, strangers."""

    def __init__(self, chance: random.Random):
        self.chance = chance

    def likely(self, share: float) -> bool:
        return self.chance.random() < share

    def message(self, message) -> bytes:
        return b"".join(self.fields(message))

    def fields(self, message) -> list[bytes]:
        """The fields, each as the bytes of all its occurrences; a merge of any two lists is the merged message."""
        pieces = []
        for field, value in message.ListFields():
            if field.name in SKIPPED:
                continue
            if field.is_repeated:
                pieces.append((field, self.repeated(field, value)))
            else:
                pieces.append((field, self.singular(message, field, value)))
        if self.likely(0.4):
            pieces = self.mixed(pieces)
        else:
            pieces = [piece for _, entries in pieces for piece in entries]
        if self.likely(0.2):
            pieces.insert(self.chance.randint(0, len(pieces)), self.stranger())
        return pieces

    def mixed(self, pieces) -> list[bytes]:
        """Fields in any order; those of one number stay in theirs."""
        queues = [list(entries) for _, entries in pieces if entries]
        order = [index for index, entries in enumerate(queues) for _ in entries]
        self.chance.shuffle(order)
        return [queues[index].pop(0) for index in order]

    def singular(self, message, field, value) -> list[bytes]:
        before = []
        if is_member(field) and self.likely(0.15):
            others = [other for other in field.containing_oneof.fields if other not in (field, None)]
            before.append(self.loser(self.chance.choice([one for one in others if one.name not in SKIPPED])))
        if field.type != Field.TYPE_MESSAGE:
            if self.likely(0.1):
                before.append(self.loser(field))
            return [*before, self.scalar(field, value)]
        inner = self.fields(value)
        if not self.likely(0.2):
            return [*before, self.block(field.number, b"".join(inner))]
        cut = self.chance.randint(0, len(inner))
        return [*before, *(self.block(field.number, b"".join(part)) for part in (inner[:cut], inner[cut:]))]

    def repeated(self, field, values) -> list[bytes]:
        if field.type == Field.TYPE_MESSAGE:
            return [self.block(field.number, self.message(value)) for value in values]
        if field.type == Field.TYPE_STRING:
            return [self.scalar(field, value) for value in values]
        pieces, rest = [], list(values)
        while rest:
            count = self.chance.randint(1, len(rest))
            if self.likely(0.4):
                pieces += [self.scalar(field, value) for value in rest[:count]]
            else:
                pieces.append(self.block(field.number, b"".join(self.bare(field, value) for value in rest[:count])))
            rest = rest[count:]
        return pieces

    def loser(self, field) -> bytes:
        """A value that a later one overrides."""
        if field.type == Field.TYPE_MESSAGE:
            return self.block(field.number, b"")
        value = b"\7" * ID_BYTES.get(field.name, 2) if field.type == Field.TYPE_BYTES else 1
        return self.scalar(field, "lost" if field.type == Field.TYPE_STRING else value)

    def scalar(self, field, value) -> bytes:
        if field.type == Field.TYPE_STRING:
            return self.block(field.number, value.encode())
        if field.type == Field.TYPE_BYTES:
            return self.block(field.number, value)
        if field.type in (Field.TYPE_DOUBLE, Field.TYPE_FIXED64, Field.TYPE_SFIXED64):
            return self.tag(field.number, 1) + self.bare(field, value)
        if field.type == Field.TYPE_FIXED32:
            return self.tag(field.number, 5) + self.bare(field, value)
        return self.tag(field.number, 0) + self.bare(field, value)

    def bare(self, field, value) -> bytes:
        """A number without its tag."""
        layout = {
            Field.TYPE_DOUBLE: "<d", Field.TYPE_FIXED64: "<Q", Field.TYPE_SFIXED64: "<q", Field.TYPE_FIXED32: "<I"
        }.get(field.type)  # fmt: skip
        if layout:
            return struct.pack(layout, value)
        if field.type == Field.TYPE_SINT32:
            value = (value << 1) ^ (value >> 31)
        return self.varint(int(value) % 2**64, 10)

    def block(self, number: int, content: bytes) -> bytes:
        return self.tag(number, 2) + self.varint(len(content), 5) + content

    def tag(self, number: int, wire_type: int) -> bytes:
        return self.varint(number << 3 | wire_type, 5)

    def varint(self, number: int, most: int) -> bytes:
        """A varint, sometimes longer than it needs to be."""
        out = bytearray()
        while number > 0x7F:
            out.append(number & 0x7F | 0x80)
            number >>= 7
        out.append(number)
        if len(out) < most and self.likely(0.1):
            out[-1] |= 0x80
            out += b"\x80" * self.chance.randint(0, most - len(out) - 1) + b"\0"
        return bytes(out)

    def stranger(self) -> bytes:
        """A field that no message has, or a group."""
        number = self.chance.choice((17, 100, 2047, 2048, 2**29 - 1))
        return self.chance.choice((
            lambda: self.tag(number, 0) + self.varint(300, 10),
            lambda: self.tag(number, 1) + b"12345678",
            lambda: self.tag(number, 5) + b"1234",
            lambda: self.block(number, b"\xff\xfe"),
            lambda: self.tag(number, 3) + self.block(1, b"x") + self.tag(3, 3) + self.tag(3, 4) + self.tag(number, 4),
        ))()
