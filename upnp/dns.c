/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/dns.h"

#include <ctype.h>
#include <string.h>

#include "upnp/bytes.h"

/* RFC 1035 4.1.1: ID, flags, four counts. */
#define HEADER_SIZE 12
#define FLAGS       2
#define QUESTIONS   4
#define ANSWERS     6

#define FLAG_RESPONSE  0x8000
#define FLAG_OPCODE    0x7800
#define FLAG_TRUNCATED 0x0200
#define FLAG_RECURSE   0x0100
#define FLAG_CODE      0x000f

#define CLASS_INTERNET 1

/* RFC 1035 2.3.4 */
#define LABEL_MAX 63
#define NAME_MAX  255

/* A name is at most this many labels long, so no more than that many pointers lead to a new one. */
#define POINTERS_MAX 127

/* An honest chain of aliases is one or two long. */
#define ALIASES_MAX 8

/* A name as on the wire, without compression and in small letters: equal names are equal bytes. */
struct wire_name {
	uint8_t bytes[NAME_MAX];
	size_t size;
};

struct cursor {
	const uint8_t *bytes;
	size_t size;
	size_t at;
};

struct record {
	struct wire_name owner;
	uint16_t type;
	uint16_t class;
	uint32_t ttl;
	size_t data; /* where its data begins */
	uint16_t data_size;
};

static bool take16(struct cursor *cursor, uint16_t *value)
{
	if (cursor->size - cursor->at < 2)
		return false;
	*value = get16(cursor->bytes + cursor->at);
	cursor->at += 2;
	return true;
}

static bool take32(struct cursor *cursor, uint32_t *value)
{
	uint16_t high;
	uint16_t low;

	if (!take16(cursor, &high) || !take16(cursor, &low))
		return false;
	*value = (uint32_t)high << 16 | low;
	return true;
}

static bool add_label(struct wire_name *name, const uint8_t *label, size_t length)
{
	if (length > LABEL_MAX || name->size + 1 + length > NAME_MAX)
		return false;
	name->bytes[name->size++] = (uint8_t)length;
	for (size_t i = 0; i < length; i++)
		name->bytes[name->size++] = (uint8_t)tolower(label[i]);
	return true;
}

/* "myhome.ddns.net": each label has a letter, and the end is the root's empty one. */
static bool name_from_text(struct wire_name *name, const char *text)
{
	name->size = 0;
	do {
		size_t length = strcspn(text, ".");

		if (!length || !add_label(name, (const uint8_t *)text, length))
			return false;
		text += length;
	} while (*text++ == '.');
	return add_label(name, NULL, 0);
}

/* RFC 1035 4.1.4. A pointer leads to an earlier place only: each strictly before the last, so there is
 * no circle. The cursor ends behind the name where it stands. */
static bool get_name(struct cursor *cursor, struct wire_name *name)
{
	size_t at = cursor->at;
	size_t before = cursor->at;
	bool jumped = false;

	name->size = 0;
	for (int pointers = 0; pointers <= POINTERS_MAX;) {
		uint8_t length;

		if (at >= cursor->size)
			return false;
		length = cursor->bytes[at];
		if ((length & 0xc0) == 0xc0) {
			if (cursor->size - at < 2)
				return false;
			if (!jumped)
				cursor->at = at + 2;
			jumped = true;
			at = (size_t)(length & 0x3f) << 8 | cursor->bytes[at + 1];
			if (at >= before)
				return false;
			before = at;
			pointers++;
			continue;
		}
		if (cursor->size - at < 1U + length ||
		    !add_label(name, cursor->bytes + at + 1, length))
			return false;
		at += 1U + length;
		if (length == 0) {
			if (!jumped)
				cursor->at = at;
			return true;
		}
	}
	return false;
}

static bool same_name(const struct wire_name *a, const struct wire_name *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static bool get_record(struct cursor *cursor, struct record *record)
{
	if (!get_name(cursor, &record->owner) || !take16(cursor, &record->type) ||
	    !take16(cursor, &record->class) || !take32(cursor, &record->ttl) ||
	    !take16(cursor, &record->data_size) || cursor->size - cursor->at < record->data_size)
		return false;
	record->data = cursor->at;
	cursor->at += record->data_size;
	/* RFC 2181 8: a TTL with the highest bit set is zero. */
	if (record->ttl & 0x80000000)
		record->ttl = 0;
	return true;
}

size_t dns_encode(uint8_t message[DNS_MESSAGE_MAX], const struct dns_question *question)
{
	struct wire_name name;

	if (!name_from_text(&name, question->name))
		return 0;
	memset(message, 0, HEADER_SIZE);
	put16(message, question->id);
	put16(message + FLAGS, FLAG_RECURSE);
	put16(message + QUESTIONS, 1);
	memcpy(message + HEADER_SIZE, name.bytes, name.size);
	put16(message + HEADER_SIZE + name.size, question->type);
	put16(message + HEADER_SIZE + name.size + 2, CLASS_INTERNET);
	return HEADER_SIZE + name.size + 4;
}

/* The header, and our own question given back. The cursor ends at the first record. */
static bool get_head(struct cursor *cursor, struct dns_answer *answer, uint16_t *records,
		     const struct dns_question *question)
{
	struct wire_name asked;
	struct wire_name name;
	uint16_t head[HEADER_SIZE / 2];
	uint16_t type;
	uint16_t class;

	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		if (!take16(cursor, &head[i]))
			return false;
	if (head[0] != question->id || !(head[FLAGS / 2] & FLAG_RESPONSE) ||
	    head[FLAGS / 2] & FLAG_OPCODE || head[QUESTIONS / 2] != 1)
		return false;
	if (!get_name(cursor, &name) || !take16(cursor, &type) || !take16(cursor, &class) ||
	    !name_from_text(&asked, question->name) || !same_name(&name, &asked) ||
	    type != question->type || class != CLASS_INTERNET)
		return false;
	answer->code = head[FLAGS / 2] & FLAG_CODE;
	answer->truncated = head[FLAGS / 2] & FLAG_TRUNCATED;
	*records = head[ANSWERS / 2];
	return true;
}

/* Goes through the records from `first` on: what they say of `name`. Each must be sound. */
static bool read_records(struct cursor first, uint16_t records, struct wire_name *name,
			 struct dns_answer *answer, uint16_t type, bool *alias)
{
	size_t width = type == DNS_A ? sizeof(struct in_addr) : sizeof(struct in6_addr);
	struct wire_name target = { .size = 0 };
	struct record record;

	for (uint16_t i = 0; i < records; i++) {
		struct in6_addr *address = &answer->addresses[answer->count];

		if (!get_record(&first, &record))
			return false;
		if (record.class != CLASS_INTERNET || !same_name(&record.owner, name) ||
		    (record.type != type && record.type != DNS_CNAME))
			continue;
		if (record.ttl < answer->ttl)
			answer->ttl = record.ttl;
		if (record.type == DNS_CNAME) {
			struct cursor data = { first.bytes, first.size, record.data };

			if (!get_name(&data, &target))
				return false;
			continue;
		}
		if (record.data_size != width)
			return false;
		if (answer->count == UPNP_ADDRESSES_MAX)
			continue; /* more than a home can have */
		*address = upnp_v4_mapped((struct in_addr){ 0 });
		memcpy((uint8_t *)address + sizeof(*address) - width, first.bytes + record.data,
		       width);
		answer->count++;
	}
	*alias = target.size && !answer->count;
	if (*alias)
		*name = target;
	return true;
}

bool dns_decode(struct dns_answer *answer, const uint8_t *bytes, size_t size,
		const struct dns_question *question)
{
	struct cursor cursor = { bytes, size, 0 };
	struct wire_name name;
	bool alias = true;
	uint16_t records;

	*answer = (struct dns_answer){ .ttl = UINT32_MAX };
	if (!name_from_text(&name, question->name) ||
	    !get_head(&cursor, answer, &records, question))
		return false;
	for (int i = 0; i < ALIASES_MAX && alias; i++) {
		if (read_records(cursor, records, &name, answer, question->type, &alias))
			continue;
		if (!answer->truncated)
			return false;
		break; /* cut off in the middle of a record */
	}
	if (!answer->count)
		answer->ttl = 0;
	return true;
}
