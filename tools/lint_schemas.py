#!/usr/bin/env python3
"""Schemas: var-data last and never optional (W-068, D-068), order of elements and ids (W-069), explicit and correct block lengths."""

import xml.etree.ElementTree as ElementTree

import lintlib

SIZES = {"char": 1, "uint8": 1, "int8": 1, "uint16": 2, "int16": 2, "uint32": 4, "int32": 4, "uint64": 8, "int64": 8, "float": 4, "double": 8}
IDS_IN_ORDER = "900"            # 901 and 902 number differently (W-069)
RANK = {"field": 0, "group": 1, "data": 2}
SKELETON = {"messageHeader": ["blockLength", "templateId", "schemaId", "version"], "groupSizeEncoding": ["blockLength", "numInGroup"]}


def local(element):
    return element.tag.rsplit("}", 1)[-1]


class Types:
    def __init__(self, schema):
        self.size = dict(SIZES)
        self.variable = {}
        self.problems = []
        for types in schema:
            for item in types if local(types) == "types" else ():
                self.add(item)

    def add(self, item):
        name, kind = item.get("name"), local(item)
        if kind == "type":
            constant = item.get("presence") == "constant"
            self.size[name] = 0 if constant else self.size.get(item.get("primitiveType"), 0) * int(item.get("length", "1"))
        elif kind in ("enum", "set"):
            self.size[name] = self.size.get(item.get("encodingType"), 0)
            values = [value.text for value in item]
            if len(set(values)) != len(values):
                self.problems.append(f"enum {name}: a value twice")
        elif kind == "composite":
            parts = [part.get("name") for part in item]
            if "varData" in parts:
                self.variable[name] = item
                self.check_variable(name, item)
            self.size[name] = sum(self.size.get(part.get("primitiveType"), 0) * int(part.get("length", "1")) for part in item)
            if name in SKELETON and (parts != SKELETON[name] or any(part.get("primitiveType") != "uint16" for part in item)):
                self.problems.append(f"composite {name}: must be {', '.join(SKELETON[name])}, all uint16")

    def check_variable(self, name, item):
        for part in item:
            if part.get("presence", "required") != "required":
                self.problems.append(f"composite {name}: {part.get('name')} is {part.get('presence')}: var-data are never optional (W-068 D-068)")
        if [part.get("name") for part in item] != ["length", "varData"] or item[0].get("primitiveType") != "uint32":
            self.problems.append(f"composite {name}: must be a uint32 length, then varData")


def check_ids(elements, where, in_order):
    ids = [int(element.get("id", "-1")) for element in elements]
    problems = [f"{where}: {element.get('name')} has no id" for element, number in zip(elements, ids) if number < 0]
    if len(set(ids)) != len(ids):
        problems.append(f"{where}: an id twice")
    if in_order and ids != sorted(ids):
        problems.append(f"{where}: ids {ids} do not run over fields first, then var-data (W-069)")
    return problems


def check_block(parent, where, types, schema_id):
    """One message or group: its elements, and those of its groups."""
    problems = []
    elements = [element for element in parent if local(element) in RANK]
    ranks = [RANK[local(element)] for element in elements]
    if ranks != sorted(ranks):
        problems.append(f"{where}: elements must be fields, then groups, then var-data (W-069)")
    problems += check_ids(elements, where, schema_id == IDS_IN_ORDER)
    block = 0
    for element in elements:
        kind, name, type_name = local(element), element.get("name"), element.get("type")
        if kind == "data":
            if element.get("presence", "required") != "required":
                problems.append(f"{where}.{name}: var-data are never optional (W-068 D-068)")
            if type_name not in types.variable:
                problems.append(f"{where}.{name}: {type_name} is no var-data type")
        elif kind == "field":
            if element.get("nullValue") is not None:
                problems.append(f"{where}.{name}: generators ignore a null value on a field; put it on a type (O-8)")
            if element.get("length") is not None:
                problems.append(f"{where}.{name}: generators ignore a length on a field; put it on a type (O-4)")
            if type_name in types.variable:
                problems.append(f"{where}.{name}: variable length in the fixed block")
            elif type_name not in types.size:
                problems.append(f"{where}.{name}: unknown type {type_name}")
            elif element.get("presence") != "constant":
                block += types.size[type_name]
        else:
            if element.get("dimensionType") != "groupSizeEncoding":
                problems.append(f"{where}.{name}: dimension type is not groupSizeEncoding")
            problems += check_block(element, f"{where}.{name}", types, schema_id)
    stated = parent.get("blockLength")
    if stated is None:
        problems.append(f"{where}: no blockLength")
    elif int(stated) != block:
        problems.append(f"{where}: blockLength {stated}, but the fields take {block} bytes")
    return problems


def check_schema(path):
    try:
        schema = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        return [f"not XML: {error}"]
    problems = []
    for name, value in (("byteOrder", "littleEndian"), ("version", "1")):
        if schema.get(name) != value:
            problems.append(f"{name} is {schema.get(name)}, not {value}")
    types = Types(schema)
    problems += types.problems
    messages = [element for element in schema if local(element) == "message"]
    if not messages:
        problems.append("no message")
    if len({message.get("id") for message in messages}) != len(messages):
        problems.append("a template id twice")
    for message in messages:
        problems += check_block(message, message.get("name"), types, schema.get("id"))
    return problems


def check(root):
    paths = sorted((root / "schemas").glob("*.xml"))
    problems = [f"{path.relative_to(root)}: {problem}" for path in paths for problem in check_schema(path)]
    numbers = [ElementTree.parse(path).getroot().get("id") for path in paths] if not problems else []
    if len(set(numbers)) != len(numbers):
        problems.append("schemas: a schema id twice")
    return problems if paths else ["schemas: no schema"]


def schema(body, number="900", types=""):
    return {"schemas/x.xml": f"""<s:messageSchema xmlns:s="http://fixprotocol.io/2016/sbe" package="p" id="{number}" version="1"
 byteOrder="littleEndian"><types><composite name="messageHeader"><type name="blockLength" primitiveType="uint16"/>
 <type name="templateId" primitiveType="uint16"/><type name="schemaId" primitiveType="uint16"/><type name="version" primitiveType="uint16"/>
 </composite><composite name="groupSizeEncoding"><type name="blockLength" primitiveType="uint16"/><type name="numInGroup" primitiveType="uint16"/>
 </composite><composite name="bytes"><type name="length" primitiveType="uint32"/><type name="varData" primitiveType="uint8" length="0"/></composite>
 <type name="pad" primitiveType="uint8" length="26"/><enum name="e" encodingType="int16"><validValue name="A">1</validValue></enum>{types}</types>
 {body}</s:messageSchema>"""}


def message(fields, block=4):
    return f'<s:message name="M" id="1" blockLength="{block}">{fields}</s:message>'


F1, F2 = '<field name="a" id="1" type="uint32"/>', '<field name="b" id="2" type="uint32"/>'
D2, D1 = '<data name="d" id="2" type="bytes"/>', '<data name="d" id="1" type="bytes"/>'
G2 = '<group name="g" id="2" dimensionType="groupSizeEncoding" blockLength="28">' \
     '<field name="x" id="1" type="e"/><field name="y" id="2" type="pad"/></group>'

CASES = [
    ("a good message", schema(message(F1 + D2)), None),
    ("a good group", schema(message(F1 + G2)), None),
    ("other schemas number differently", schema(message('<field name="a" id="9" type="uint32"/>' + D2), "901"), None),
    ("optional var-data", schema(message(F1 + '<data name="d" id="2" type="bytes" presence="optional"/>')), "never optional"),
    ("optional var-data type", schema(message(F1 + '<data name="d" id="2" type="o"/>'), types='<composite name="o"><type name="length" '
     'primitiveType="uint32" presence="optional"/><type name="varData" primitiveType="uint8" length="0"/></composite>'), "never optional"),
    ("var-data before a field", schema(message(D1 + F2)), "fields, then groups, then var-data"),
    ("var-data before a field in another schema", schema(message(D1 + F2), "901"), "fields, then groups, then var-data"),
    ("var-data before a group", schema(message(F1 + '<data name="d" id="3" type="bytes"/>' + G2), "902"), "fields, then groups, then var-data"),
    ("ids out of order in 900", schema(message('<field name="a" id="9" type="uint32"/>' + D2)), "W-069"),
    ("an id twice", schema(message(F1 + '<field name="b" id="1" type="uint32"/>', 8)), "an id twice"),
    ("a wrong block length", schema(message(F1 + F2)), "take 8 bytes"),
    ("a wrong block length of a group", schema(message(F1 + G2.replace("28", "27"))), "M.g: blockLength 27"),
    ("no block length", schema(message(F1).replace(' blockLength="4"', "")), "no blockLength"),
    ("a null value on a field", schema(message('<field name="a" id="1" type="uint32" nullValue="0"/>')), "O-8"),
    ("an array length on a field", schema(message('<field name="a" id="1" type="uint8" length="26"/>', 1)), "O-4"),
    ("variable length in the block", schema(message('<field name="a" id="1" type="bytes"/>', 0)), "variable length"),
    ("an unknown type", schema(message('<field name="a" id="1" type="u32"/>', 0)), "unknown type"),
    ("an enum value twice", schema(message(F1), types='<enum name="f" encodingType="uint8"><validValue name="A">1</validValue>'
     '<validValue name="B">1</validValue></enum>'), "a value twice"),
    ("not XML", {"schemas/x.xml": "<a>"}, "not XML"),
    ("no schema", {"schemas/README": ""}, "no schema"),
]

if __name__ == "__main__":
    lintlib.main(__doc__, check, CASES)
