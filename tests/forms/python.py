"""What the a2a-sdk package of this interpreter signs of each card on standard input (one a line,
as a JSON string), a line each: the bytes in base64, or "- " and why it signs none."""
import base64
import importlib.metadata
import json
import sys
import warnings

warnings.filterwarnings("ignore")

if importlib.metadata.version("a2a-sdk").startswith("0."):
    from a2a.types import AgentCard
    from a2a.utils.helpers import canonicalize_agent_card

    def sign(card):
        return canonicalize_agent_card(AgentCard.model_validate(card))
else:
    import logging

    from a2a.types import AgentCard
    from a2a.utils.signing import _canonicalize_agent_card
    from google.protobuf.json_format import ParseDict

    logging.disable(logging.CRITICAL)

    def sign(card):
        return _canonicalize_agent_card(ParseDict(card, AgentCard(), ignore_unknown_fields=True))


for line in sys.stdin:
    try:
        print(base64.b64encode(sign(json.loads(json.loads(line))).encode()).decode())
    except Exception as wrong:
        print("-", " ".join(str(wrong).split())[:200])
