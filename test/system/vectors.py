"""A second reader of the test vectors, written from docs/spec/secure-mirror-protocol.md and openapi.json alone."""

import base64
import hashlib
import hmac
import ipaddress
import json
import pathlib
import re
import sys

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jsonschema import Draft202012Validator

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPECIFICATION = (ROOT / "docs/spec/secure-mirror-protocol.md").read_text()
SCHEMAS = json.loads((ROOT / "docs/spec/openapi.json").read_text())["components"]["schemas"]
SKEW = 120_000
DAY = 86_400_000
TYPES = {
    "smn-descriptor+jws": ("Descriptor", 16_384),
    "smn-obs+jws": ("Observation", 65_536),
    "smn-list+jws": ("MirrorList", 8_388_608),
    "smn-list-digest+jws": ("ListDigest", 65_536),
    "smn-head+jws": ("Head", 1_024),
    "smn-remove+jws": ("RemoveRequest", 131_072),
    "smn-vote+jws": ("Vote", 4_096),
    "smn-notice+jws": ("Notice", 4_096),
}


class Refused(Exception):
    """What a reader does not take."""


def demand(kept, why):
    if not kept:
        raise Refused(why)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# FORM-1


def encode(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def decode(text):
    demand(re.fullmatch(r"[A-Za-z0-9_-]*", text) and len(text) % 4 != 1, "FORM-1")
    octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    demand(encode(octets) == text, "FORM-1")
    return octets


# Statements (JWS)


def read_statement(text, kind):
    demand(len(text) <= TYPES[kind][1], "JWS-5")
    parts = text.split(".")
    demand(len(parts) == 3, "JWS-6")
    header, payload, signature = (decode(part) for part in parts)
    header = json.loads(header)
    demand(set(header) <= {"alg", "typ", "kid", "x5c"}, "JWS-4")
    demand(len(header.get("x5c", [])) <= 4, "JWS-4")
    demand(header.get("typ") == kind, "JWS-1")
    demand(header.get("alg") in ("EdDSA", "ES256", "smn-EdDSA-MT"), "JWS-2")
    return header, payload, signature, text.rpartition(".")[0].encode()


def content_of(payload, kind):
    try:
        content = json.loads(payload)
    except ValueError:
        raise Refused("shape")
    demand(Draft202012Validator(SCHEMAS[TYPES[kind][0]]).is_valid(content), "shape")
    return content


def verify_ed25519(key, header, signature, signed):
    demand(header["alg"] in ("EdDSA", "smn-EdDSA-MT"), "JWS-2")
    if header["alg"] == "smn-EdDSA-MT":
        signature, signed = batch_root(signature, signed)
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    except InvalidSignature:
        raise Refused("signature")


def batch_root(signature, signed):
    depth, odd = divmod(len(signature) - 65, 32)
    demand(odd == 0 and 0 <= depth <= 8, "JWS-7")
    index = signature[64]
    demand(index < 2**depth, "JWS-7")
    node = sha256(b"\x00", signed)
    for level in range(depth):
        beside = signature[65 + 32 * level : 97 + 32 * level]
        left, right = (beside, node) if index >> level & 1 else (node, beside)
        node = sha256(b"\x01", left, right)
    return signature[:64], b"sightline batch v1\n" + node


def verify_es256(key, header, signature, signed):
    demand(header["alg"] == "ES256" and len(signature) == 64, "JWS-2")
    r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
    try:
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Refused("signature")


# Identity and descriptor (ID, DESC)


def spki_of(key):
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def id_of(certificate):
    return encode(sha256(spki_of(certificate.public_key())))


def is_signed_by(certificate, authority):
    try:
        authority.public_key().verify(
            certificate.signature,
            certificate.tbs_certificate_bytes,
            ec.ECDSA(certificate.signature_hash_algorithm),
        )
        return True
    except InvalidSignature:
        return False


def is_authority(certificate):
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def milliseconds(moment):
    return (moment - type(moment)(1970, 1, 1)).total_seconds() * 1000


def dates_are_good(certificate, now, skew=SKEW):
    begins, ends = certificate.not_valid_before, certificate.not_valid_after
    return milliseconds(begins) <= now + skew and milliseconds(ends) >= now


def read_descriptor(text, mirror, now):
    header, payload, signature, signed = read_statement(text, "smn-descriptor+jws")
    chain = [x509.load_der_x509_certificate(base64.b64decode(one)) for one in header.get("x5c", [])]
    demand(len(chain) >= 2, "DESC-3")
    server, authority = chain[:2]
    demand(id_of(authority) == mirror and is_authority(authority), "DESC-3")
    demand(is_signed_by(server, authority), "DESC-3")
    demand(all(dates_are_good(one, now) for one in (server, authority)), "DESC-3")
    verify_es256(server.public_key(), header, signature, signed)
    content = content_of(payload, "smn-descriptor+jws")
    demand(content["id"] == mirror, "DESC-5")
    demand(content["exp"] - content["iat"] <= 7 * DAY, "DESC-6")
    demand(content["exp"] >= now and content["iat"] <= now + SKEW, "DESC-7")
    return content


def verify_by_answer_key(text, kind, descriptor):
    header, payload, signature, signed = read_statement(text, kind)
    keys = {key["keyId"]: key for key in descriptor["answerKeys"]}
    demand(header.get("kid") in keys, "kid")
    key = keys[header["kid"]]
    verify_ed25519(decode(key["x"]), header, signature, signed)
    return content_of(payload, kind), key


# Observations (OBS)


def read_observation(case, descriptor):
    content, key = verify_by_answer_key(case["statement"], "smn-obs+jws", descriptor)
    now = case["now"]
    demand(content["iss"] == case["id"], "OBS-6")
    demand(content["target"] == case["target"], "OBS-7")
    demand(content["nonce"] == case["nonce"], "OBS-8")
    demand(abs(content["sent"] - now) <= SKEW and content["sent"] <= key["exp"], "OBS-9")
    demand(content["sent"] <= content["exp"] and content["exp"] >= now - SKEW, "OBS-10")
    sight = content["sight"]
    demand((content["status"] == "answered") == (sight is not None), "OBS-11")
    if sight is not None:
        demand(0 <= content["sent"] - sight["at"] <= 60_000, "OBS-12")


# Lists (LIST)


def bucket_hash(entries):
    lines = [
        f"{one['id']} {one['ip']} {one['port']} {one['region'] or '-'} "
        f"{'active' if one['status'] == 'active' else 'inactive'}\n".encode()
        for one in entries
    ]
    return sha256(*sorted(lines))


def list_digest(mirrors):
    buckets = [[one for one in mirrors if decode(one["id"])[0] == i] for i in range(256)]
    return encode(b"".join(bucket_hash(bucket) for bucket in buckets))


def read_list(case, descriptor):
    content, key = verify_by_answer_key(case["statement"], case["type"], descriptor)
    now = case["now"]
    demand(content["iss"] == case["id"] and content["iat"] <= key["exp"], "LIST-2")
    demand(now - 600_000 - SKEW <= content["iat"] <= now + SKEW, "LIST-3")
    if case["want"] is None:
        demand(len(decode(content["digest"])) == 256 * 32, "LIST-2")
        return
    demand(all(content[name] == wanted for name, wanted in case["want"].items()), "LIST-8")
    for one in content["mirrors"]:
        demand(len(decode(one["id"])) == 32, "LIST-2")
        demand(canonical_address(one["ip"]) == one["ip"], "FORM-5")


def canonical_address(text):
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise Refused("FORM-5")


# Letters (LET)


def read_letter(case, descriptor):
    content, key = verify_by_answer_key(case["statement"], case["type"], descriptor)
    demand(content["iss"] == case["id"] and content["iat"] <= key["exp"], "LET-1")
    demand(case["now"] - DAY - SKEW <= content["iat"] <= case["now"] + SKEW, "LET-2")
    if "subject" in content:
        demand(len(decode(content["subject"])) == 32, "FORM-4")


# Bootstrap files (BOOT)


def read_bootstrap(case):
    text, now = case["file"].strip(), case["now"]
    vendor = None
    if re.match(r"[A-Za-z0-9_-]+\.", text):
        TYPES["smn-bootstrap+jws"] = ("", 262_144)
        header, payload, signature, signed = read_statement(text, "smn-bootstrap+jws")
        chain = [x509.load_der_x509_certificate(base64.b64decode(one)) for one in header["x5c"]]
        demand(len(chain) == 2, "BOOT-2")
        signer, authority = chain
        demand(is_signed_by(signer, authority) and is_authority(authority), "BOOT-3")
        demand(all(dates_are_good(one, now, 0) for one in chain), "BOOT-3")
        names = signer.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = names.get_values_for_type(x509.DNSName)
        demand(any(name.startswith("bootstrap.") for name in names), "BOOT-4")
        verify_es256(signer.public_key(), header, signature, signed)
        vendor = sha256(spki_of(authority.public_key())).hex()
        text = payload
    try:
        content = json.loads(text)
    except ValueError:
        raise Refused("FORM-4")
    demand(content.get("v") == 1 and len(content["pairs"]) > 0, "FORM-4")
    for pair in content["pairs"]:
        canonical_address(pair["ip"])
    if case["expected"] == "accepted":
        assert vendor == case["vendor"], "the vendor is another one"


# The log (LOG), by RFC 9162 §2.1


def leaf_of(case):
    sight = case["sight"]
    dns = sight["dns"]
    authority = dns["authority"]
    claim = lambda answer: [answer["status"], answer["records"]]
    content = [
        "smn-leaf",
        1,
        case["salt"],
        case["target"],
        sight["at"],
        claim(dns["a"]),
        claim(dns["aaaa"]),
        claim(authority) + [authority["origin"], authority["owner"], authority["base"]],
        [
            [
                one["address"],
                one["port"],
                one["outcome"],
                [[link["certificate"], link["spki"]] for link in one["chain"]],
            ]
            for one in sight["handshakes"]
            if one["origin"] == "own"
        ],
    ]
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return encode(sha256(b"\x00", text.encode()))


def verify_inclusion(case):
    """RFC 9162 §2.1.3.2."""
    index, size, node = case["index"], case["size"], decode(case["leaf"])
    demand(index < size, "LOG-6")
    last = size - 1
    for beside in map(decode, case["path"]):
        demand(last != 0, "LOG-6")
        if index & 1 or index == last:
            node = sha256(b"\x01", beside, node)
            while index & 1 == 0 and index != 0:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\x01", node, beside)
        index, last = index >> 1, last >> 1
    demand(last == 0 and node == decode(case["root"]), "LOG-6")


def consistency_roots(size_from, size_to, older, path):
    """RFC 9162 §2.1.4.2; None for a path that does not fit the sizes."""
    if size_from == size_to:
        return (older, older) if path == [] else None
    if not 0 < size_from < size_to:
        return None
    path = ([older] if size_from & (size_from - 1) == 0 else []) + path
    if path == []:
        return None
    first, last = size_from - 1, size_to - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    one = other = path[0]
    for beside in path[1:]:
        if last == 0:
            return None
        if first & 1 or first == last:
            one, other = sha256(b"\x01", beside, one), sha256(b"\x01", beside, other)
            while first & 1 == 0 and first != 0:
                first, last = first >> 1, last >> 1
        else:
            other = sha256(b"\x01", other, beside)
        first, last = first >> 1, last >> 1
    return (one, other) if last == 0 else None


def verify_consistency(case):
    older, newer = decode(case["older"]), decode(case["newer"])
    path = [decode(one) for one in case["path"]]
    demand(consistency_roots(case["from"], case["to"], older, path) == (older, newer), "LOG-5")


def read_head(case, mirror, descriptor, is_evidence=False):
    content, key = verify_by_answer_key(case["statement"], "smn-head+jws", descriptor)
    demand(content["iss"] == mirror and content["at"] <= key["exp"], "LOG-2")
    demand(is_evidence or abs(content["at"] - case["now"]) <= SKEW, "LOG-2")
    demand(content["size"] != 0 or content["root"] == encode(sha256()), "LOG-2")
    return content


def finding_of(heads, proof):
    smaller, larger = sorted(heads, key=lambda head: head["size"])
    if smaller["size"] == larger["size"]:
        return "consistent" if smaller["root"] == larger["root"] else "forked"
    if smaller["size"] == 0:
        return "consistent"
    if proof is None:
        return "unproven"
    older, path = decode(proof["root"]), [decode(one) for one in proof["path"]]
    roots = consistency_roots(smaller["size"], larger["size"], older, path)
    if roots != (older, decode(larger["root"])):
        return "unproven"
    return "consistent" if proof["root"] == smaller["root"] else "forked"


# Whose word holds (AUTH)


def authority_of(case, absent):
    host, service = case["host"], f"_{case['port']}._tcp."
    ask = lambda name, kind: case["zone"].get(name, {}).get(kind, absent)
    is_absent = lambda answer: answer["status"] in ("nodata", "nxdomain")
    a, aaaa = ask(host, "A"), ask(host, "AAAA")
    places = [("service", service + host, host, ask(service + host, "TLSA"))]
    aliases = a["cname"] or aaaa["cname"]
    if aliases:
        last = aliases[-1]
        places.append(("expanded", service + last, last, ask(service + last, "TLSA")))
    elif a["status"] not in ("ok", "nodata", "nxdomain") and aaaa["status"] not in ("ok", "nodata", "nxdomain"):
        places.append(("expanded", service + host, host, a))
    labels = host.split(".")
    # All hosts of the vectors are below the registrable domain example.com.
    names = [".".join(labels[i:]) for i in range(len(labels) - 1)][-8:]
    places += [("inherited", f"_ca.{name}", name, ask(f"_ca.{name}", "TLSA")) for name in names]
    taken = next((i for i, place in enumerate(places) if not is_absent(place[3])), None)
    way = places if taken is None else places[: taken + 1]
    origin, owner, base, answer = places[taken or 0]
    ttls = [place[3]["ttl"] for place in way if place[3]["ttl"] is not None]
    status, records = answer["status"], answer["records"]
    if origin == "inherited" and records == ["2 1 0 00"]:
        status, records = "nodata", []
    return {
        "origin": origin,
        "owner": owner,
        "base": base,
        "status": status,
        "records": records,
        "ttl": None if taken is not None and answer["ttl"] is None else min(ttls),
        "ad": all(place[3]["ad"] for place in way),
    }


# Where a mirror does not go (ADDR): the tables of the specification


def table(name):
    return SPECIFICATION.split(f"<!-- table: {name} -->")[1].split("<!-- end -->")[0]


RANGES = [ipaddress.ip_network(one) for one in re.findall(r"^\| `([^`]+/\d+)`", table("addresses"), re.M)]
PORTS = {int(one) for one in re.findall(r"\d+", table("ports").split(":")[1])}


def check_address(case):
    address = ipaddress.ip_address(case["address"])
    for carried in carried_by(address):
        demand(not any(carried in one for one in RANGES if one.version == 4), "ADDR-2")
    if not carried_by(address):
        demand(not any(address in one for one in RANGES if one.version == address.version), "ADDR-2")


def carried_by(address):
    """The IPv4 addresses that packets to a NAT64, 6to4 or Teredo address go to."""
    if address.version == 4:
        return []
    octets = address.packed
    if address in ipaddress.ip_network("64:ff9b::/96"):
        return [ipaddress.ip_address(octets[12:])]
    if address in ipaddress.ip_network("2002::/16"):
        return [ipaddress.ip_address(octets[2:6])]
    if address in ipaddress.ip_network("2001::/32"):
        client = bytes(octet ^ 0xFF for octet in octets[12:])
        return [ipaddress.ip_address(octets[4:8]), ipaddress.ip_address(client)]
    return []


# Sealed questions (OHTTP), by RFC 9180 and RFC 9458


def extract(salt, secret):
    return hmac.digest(salt or bytes(32), secret, "sha256")


def expand(key, info, length):
    return hmac.digest(key, info + b"\x01", "sha256")[:length]


def labelled(suite):
    one = lambda salt, label, secret: extract(salt, b"HPKE-v1" + suite + label + secret)
    other = lambda key, label, info, length: expand(
        key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length
    )
    return one, other


def hpke_context(private, encapsulated, info):
    key = x25519.X25519PrivateKey.from_private_bytes(private)
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    agreed = key.exchange(x25519.X25519PublicKey.from_public_bytes(encapsulated))
    first, then = labelled(b"KEM\x00\x20")
    shared = then(first(b"", b"eae_prk", agreed), b"shared_secret", encapsulated + public, 32)
    first, then = labelled(b"HPKE\x00\x20\x00\x01\x00\x01")
    context = b"\x00" + first(b"", b"psk_id_hash", b"") + first(b"", b"info_hash", info)
    secret = first(shared, b"secret", b"")
    return (
        then(secret, b"key", context, 16),
        then(secret, b"base_nonce", context, 12),
        lambda label, length: then(then(secret, b"exp", context, 32), b"sec", label, length),
    )


def open_request(sealed, private, key_id):
    if len(sealed) < 55:
        return "sealed-malformed"
    header, encapsulated, ciphertext = sealed[:7], sealed[7:39], sealed[39:]
    if header != bytes([key_id]) + b"\x00\x20\x00\x01\x00\x01":
        return "ohttp-key"
    key, nonce, export = hpke_context(private, encapsulated, b"message/bhttp request\x00" + header)
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, None), encapsulated, export
    except InvalidTag:
        return "ohttp-key"


def open_response(sealed, encapsulated, export):
    nonce = sealed[:16]
    key = extract(encapsulated + nonce, export(b"message/bhttp response", 16))
    return AESGCM(expand(key, b"key", 16)).decrypt(expand(key, b"nonce", 12), sealed[16:], None)


# The files


def load(name):
    return json.loads((ROOT / f"test/vectors/{name}.json").read_text())


tried = 0


def try_all(title, cases, work):
    global tried
    for case in cases:
        try:
            work(case)
            outcome = "accepted"
        except Refused:
            outcome = "refused"
        label = case.get("name", case.get("text", case.get("address")))
        assert outcome == case["expected"], f"{title}, {label}: {outcome}, not {case['expected']}"
        tried += 1


def same(title, one, other):
    global tried
    assert one == other, f"{title}: {one} is not {other}"
    tried += 1


def main():
    for case in load("base64url")["cases"]:
        try_all("base64url", [case], lambda case: same("bytes", decode(case["text"]).hex(), case["hex"]))
    keys = load("keys")
    authority = x509.load_pem_x509_certificate(keys["authority"]["certificate"].encode())
    same("id", id_of(authority), keys["authority"]["id"])
    told = read_descriptor(keys["descriptor"], keys["authority"]["id"], keys["now"])["answerKeys"][0]
    members = '{"crv":"Ed25519","kty":"OKP","x":"%s"}' % told["x"]
    same("thumbprint", encode(sha256(members.encode())), told["keyId"])

    try_all(
        "descriptors",
        load("descriptors")["cases"],
        lambda case: read_descriptor(case["statement"], case["id"], case["now"]),
    )
    began = keys["now"]
    for name, work in (
        ("observations", read_observation),
        ("lists", read_list),
        ("letters", read_letter),
    ):
        file = load(name)
        told = read_descriptor(file["descriptor"], file["cases"][0]["id"], began)
        try_all(name, file["cases"], lambda case: work(case, told))
    lists = load("lists")
    same("digest", list_digest(lists["mirrors"]), lists["digest"])
    same("empty bucket", bucket_hash([]).hex(), lists["emptyBucket"])
    try_all("bootstrap", load("bootstrap")["cases"], read_bootstrap)

    log = load("log")
    told = read_descriptor(log["descriptor"], log["id"], log["now"])
    for case in log["sights"]:
        same(f"leaf of {case['name']}", leaf_of(case), case["leaf"])
    try_all("inclusion", log["inclusion"], verify_inclusion)
    try_all("consistency", log["consistency"], verify_consistency)
    try_all("heads", log["heads"], lambda case: read_head(case, log["id"], told))
    for pair in log["pairs"]:
        heads = [read_head({"statement": one}, log["id"], told, True) for one in pair["heads"]]
        same(pair["name"], finding_of(heads, pair["proof"]), pair["finding"])

    authorities = load("authority")
    for case in authorities["cases"]:
        found = authority_of(case, authorities["absent"])
        same(case["name"], {name: found[name] for name in case["expected"]}, case["expected"])
    addresses = load("addresses")
    try_all("addresses", addresses["cases"], check_address)
    try_all(
        "ports",
        addresses["ports"],
        lambda case: demand(case["port"] >= 1024 or case["port"] in PORTS, "ADDR-4"),
    )

    sealed = load("oblivious")
    private, key_id = bytes.fromhex(sealed["privateKey"]), sealed["keyId"]
    message, encapsulated, export = open_request(
        bytes.fromhex(sealed["request"]["sealed"]), private, key_id
    )
    same("question", message.hex(), sealed["request"]["message"])
    answer = open_response(bytes.fromhex(sealed["response"]["sealed"]), encapsulated, export)
    same("answer", answer.hex(), sealed["response"]["message"])
    for case in sealed["requests"]:
        opened = open_request(bytes.fromhex(case["hex"]), private, key_id)
        same(case["name"], opened if isinstance(opened, str) else None, case["problem"])
    print(f"{tried} vectors")


if __name__ == "__main__":
    sys.exit(main())
