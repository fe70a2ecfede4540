"""An authenticator app: RFC 6238 with SHA-1, six digits and steps of 30 seconds."""

import base64
import hashlib
import hmac
import struct
import time


def totp(shown, steps_ahead=0):
    """The code for the key as a page shows it; `steps_ahead` steps after the current one."""
    text = shown.replace(" ", "").upper()
    key = base64.b32decode(text + "=" * (-len(text) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30 + steps_ahead), hashlib.sha1)
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1000000:06}"
