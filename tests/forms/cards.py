"""Random agent cards, one a line as a JSON string: most are what signers accept, some hold what
they refuse. Usage: python3 cards.py SEED COUNT [1.0|0.3|operator]"""
import json
import random
import sys

rng = random.Random(int(sys.argv[1]))
kind = sys.argv[3] if len(sys.argv) > 3 else "1.0"
odd = 0.0  # how often this card holds something that its readers might refuse

STRINGS = ["a", "Billing agent", "https://b/", "", "", "é", "\u20ac\ufb33", "\U0001f600", "<&>", "\u2028\u2029",
           "\x00\x08\x0c\n\r\t\x1f\x7f\x80", '"\\/', "\ue000", "JSONRPC", "0.3.0", "1.0", "null", "\ufeff", "\uffff"]
KEYS = STRINGS + ["z", "Z", "1", "10", "2", "signatures", "constructor", "toJSON", "length", "name", "\U00010000", "\ufffd"]
NUMBERS = ["0", "-0", "-0.0", "1", "1.0", "5.0", "1e0", "0.1", "1e-7", "1e-6", "1E+16", "1e16", "1e21", "1e20", "-1.5e300", "5e-324",
           "9007199254740993", "123456789012345678901234567890", "1e-5", "0.0001", "1.7976931348623157e308", "100", "2.5e-10",
           "123456789.125", "1e15", "999999999999999", "1000000000000000", "0.000001", "4.35", "-7"]


class Raw(str):
    """JSON text."""


def string():
    return rng.choice(STRINGS) if rng.random() < 0.7 else "".join(rng.choice(STRINGS) for _ in range(rng.randrange(4)))


def number():
    return Raw(rng.choice(NUMBERS) if rng.random() < 0.6 else repr(rng.uniform(-1, 1) * 10 ** rng.randrange(-30, 30)))


def anything(depth=0):
    pick = rng.random()
    if depth > 3 or pick < 0.5:
        return rng.choice([string, number, lambda: None, lambda: True, lambda: False, string, list, dict])()
    if pick < 0.75:
        return [anything(depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(KEYS): anything(depth + 1) for _ in range(rng.randrange(4))}


def boolean():
    return rng.random() < 0.5


def strings():
    return [string() for _ in range(rng.randrange(4))]


def params():
    return {rng.choice(KEYS): anything() for _ in range(rng.randrange(4))}


def many(make, most=3):
    return lambda: [make() for _ in range(rng.randrange(most))]


def named(make, most=3):
    return lambda: {rng.choice(KEYS): make() for _ in range(rng.randrange(most))}


def one_of(*fields):
    def make():
        chosen = [fields[rng.randrange(len(fields))]] if rng.random() < 0.95 else []
        if rng.random() < odd / 4:
            chosen.append(fields[rng.randrange(len(fields))])
        return {name: None if rng.random() < odd / 4 else make_it() for name, make_it in chosen}
    return make


# A2A 0.3 requires the others.
OPTIONAL_03 = {"additionalInterfaces", "documentationUrl", "iconUrl", "preferredTransport", "protocolVersion", "provider", "security",
               "securitySchemes", "signatures", "supportsAuthenticatedExtendedCard", "streaming", "pushNotifications", "extensions",
               "stateTransitionHistory", "params", "required", "examples", "inputModes", "outputModes"}



def spell(name):
    """Sometimes the name in the definition."""
    snake = "".join("_" + c.lower() if c.isupper() else c for c in name)
    return snake if rng.random() < 0.1 else name


def message(*fields):
    def make():
        members = {}
        for name, make_it in fields:
            if rng.random() < (0.6 if kind != "0.3" else 0.5 if name in OPTIONAL_03 else 0.997):
                members[name if kind == "operator" else spell(name)] = make_it()
            elif rng.random() < odd / 3:
                members[name] = None
        if rng.random() < 0.1:
            members[rng.choice(["x", "unknown", "url2", "sub_name"])] = anything()
        if members and rng.random() < odd / 6:
            name = rng.choice(list(members))
            change = rng.choice(["type", "type", "case", "both", "null"])
            if change == "type":
                members[name] = anything()
            elif change == "case":
                members[rng.choice([name.upper(), name.capitalize(), name.replace("s", "\u017f"), name.replace("k", "\u212a")])] = members[name]
            elif change == "both":
                members[spell(name)] = members[name]
            else:
                members[name] = None
        members = list(members.items())
        rng.shuffle(members)
        return dict(members)
    return make


text = string
provider = message(("organization", text), ("url", text))
extension = message(("uri", text), ("description", text), ("required", boolean), ("params", params))

requirement = message(("schemes", named(message(("list", strings)))))
scopes = named(string)
flows = one_of(
    ("authorizationCode", message(("authorizationUrl", text), ("tokenUrl", text), ("refreshUrl", text), ("scopes", scopes), ("pkceRequired", boolean))),
    ("clientCredentials", message(("tokenUrl", text), ("refreshUrl", text), ("scopes", scopes))),
    ("implicit", message(("authorizationUrl", text), ("refreshUrl", text), ("scopes", scopes))),
    ("password", message(("tokenUrl", text), ("refreshUrl", text), ("scopes", scopes))),
    ("deviceCode", message(("deviceAuthorizationUrl", text), ("tokenUrl", text), ("refreshUrl", text), ("scopes", scopes))))
scheme = one_of(
    ("apiKeySecurityScheme", message(("description", text), ("location", text), ("name", text))),
    ("httpAuthSecurityScheme", message(("description", text), ("scheme", text), ("bearerFormat", text))),
    ("oauth2SecurityScheme", message(("description", text), ("flows", flows), ("oauth2MetadataUrl", text))),
    ("openIdConnectSecurityScheme", message(("description", text), ("openIdConnectUrl", text))),
    ("mtlsSecurityScheme", message(("description", text))))
signature = message(("protected", text), ("signature", text), ("header", params))
modes = [("defaultInputModes", strings), ("defaultOutputModes", strings)]
head = [("name", text), ("description", text), ("version", text), ("documentationUrl", text), ("iconUrl", text), ("provider", provider)]
skill = [("id", text), ("name", text), ("description", text), ("tags", strings), ("examples", strings), ("inputModes", strings), ("outputModes", strings)]
flow_03 = {"authorizationCode": ["authorizationUrl", "tokenUrl"], "clientCredentials": ["tokenUrl"], "implicit": ["authorizationUrl"], "password": ["tokenUrl"]}


def scheme_03():
    def flow(urls):
        return {**{url: string() for url in urls}, "scopes": scopes(), **({"refreshUrl": string()} if rng.random() < 0.3 else {})}
    made = rng.choice([
        lambda: {"type": "apiKey", "in": rng.choice(["header", "query", "cookie"]), "name": string()},
        lambda: {"type": "http", "scheme": string(), **({"bearerFormat": string()} if rng.random() < 0.5 else {})},
        lambda: {"type": "oauth2", "flows": {name: flow(urls) for name, urls in flow_03.items() if rng.random() < 0.4}},
        lambda: {"type": "openIdConnect", "openIdConnectUrl": string()},
        lambda: {"type": "mutualTLS"}])()
    if rng.random() < 0.3:
        made["description"] = string()
    return made


def security_03():
    return [{rng.choice(KEYS): strings() for _ in range(rng.randrange(3))} for _ in range(rng.randrange(3))]


CARDS = {
    "1.0": message(*head, *modes, ("supportedInterfaces", many(message(("url", text), ("protocolBinding", text), ("tenant", text), ("protocolVersion", text)))),
                   ("capabilities", message(("streaming", boolean), ("pushNotifications", boolean), ("extensions", many(extension)), ("extendedAgentCard", boolean))),
                   ("securitySchemes", named(scheme)), ("securityRequirements", many(requirement)),
                   ("skills", many(message(*skill, ("securityRequirements", many(requirement))))), ("signatures", many(signature))),
    "operator": message(*head, *modes, ("url", text), ("supportsAuthenticatedExtendedCard", boolean),
                        ("capabilities", message(("streaming", boolean), ("pushNotifications", boolean), ("extensions", many(extension)))),
                        ("skills", many(message(*skill, ("parameters", many(message(("name", text), ("type", text), ("description", text), ("required", boolean), ("default", text)))))))),
    "0.3": message(*head, *modes, ("url", text), ("supportsAuthenticatedExtendedCard", boolean), ("preferredTransport", text), ("protocolVersion", text),
                   ("additionalInterfaces", many(message(("url", text), ("transport", text)))),
                   ("capabilities", message(("streaming", boolean), ("pushNotifications", boolean), ("stateTransitionHistory", boolean), ("extensions", many(extension)))),
                   ("securitySchemes", named(scheme_03)), ("security", security_03),
                   ("skills", many(message(*skill, ("security", security_03))))),
}


def write(value):
    """JSON, in which a Raw is written as it is."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(k, ensure_ascii=rng.random() < 0.5) + ":" + write(v) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    return json.dumps(value, ensure_ascii=rng.random() < 0.5)


for _ in range(int(sys.argv[2])):
    odd = 0.3 if rng.random() < 0.5 else 0.0
    print(json.dumps(write(CARDS[kind]())))
