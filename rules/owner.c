/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/owner.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "natd/log.h"
#include "rules/fill.h"
#include "rules/guard.h"
#include "rules/object.h"
#include "rules/seen.h"
#include "rules/table.h"

/* From Linux 6.9 on; the headers of Debian 12 are older. */
#define TABLE_PERSIST 0x4 /* NFT_TABLE_F_PERSIST */

/* While the rules process of a natd before us ends, the tables are still its own. */
#define OWNER_ENDS_MS 2000
#define OWNER_LOOK_MS 10

#define LARGE_BATCH (8 * 1024) /* bytes: more than some elements come or go */
#define CHANGES_MAX 1000       /* elements; for more, the whole table is as soon written */

static const struct {
	uint32_t main; /* NFT_TABLE_F_* */
	uint32_t next;
	uint32_t guard;
} flags[RULES_OWNED_WAYS] = {
	[RULES_OWNED_NONE] = { 0, 0, 0 },
	[RULES_OWNED_GUARD] = { 0, NFT_TABLE_F_OWNER, NFT_TABLE_F_OWNER },
	[RULES_OWNED_ALL] = { NFT_TABLE_F_OWNER | TABLE_PERSIST, NFT_TABLE_F_OWNER,
			      NFT_TABLE_F_OWNER | TABLE_PERSIST },
};

void owner_open(struct owner *owner, struct nftables *nftables, struct watch *watch)
{
	*owner = (struct owner){ .nftables = nftables,
				 .watch = watch,
				 .able = RULES_OWNED_WAYS - 1 };
}

static bool is_about_a_table(struct item item)
{
	return item.kind == ITEM_TABLE || item.kind == ITEM_GUARD;
}

/* Upon which ruleset. */
enum upon {
	UPON_ANY,
	UPON_HEARD, /* the one that the events have told: ERESTART where there is a newer one */
};

static bool carry_out(struct owner *owner, struct batch *batch, enum upon upon,
		      struct batch_error *error)
{
	bool large = batch->size > LARGE_BATCH;
	bool done;

	if (large)
		watch_pause(owner->watch);
	done = upon == UPON_ANY
		       ? nftables_commit(owner->nftables, batch, error)
		       : nftables_commit_upon(owner->nftables, batch, owner->watch->heard, error);
	if (large)
		watch_resume(owner->watch, owner->nftables);
	return done;
}

/* Ends the batch and commits it, and again while a table belongs to another who may be about to
 * end. */
static struct batch_error commit(struct owner *owner, struct batch *batch, enum upon upon)
{
	struct batch_error error = { 0 };
	int64_t deadline = seen_now() + OWNER_ENDS_MS;

	batch_end(batch);
	while (!carry_out(owner, batch, upon, &error) && error.error == EPERM &&
	       is_about_a_table(error.item) && seen_now() < deadline)
		poll(NULL, 0, OWNER_LOOK_MS);
	batch_free(batch);
	return error;
}

static int take_nothing(const struct nlmsghdr *message, void *data)
{
	(void)message;
	(void)data;
	return MNL_CB_OK;
}

static bool main_exists(struct owner *owner)
{
	char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETTABLE, NFPROTO_INET, 0, 0);

	mnl_attr_put_strz(request, NFTA_TABLE_NAME, TABLE_NAME);
	return nftables_dump(owner->nftables, request, take_nothing, NULL) == 0;
}

static void remove_next(struct batch *batch)
{
	object_table_remove(batch, (struct item){ ITEM_TABLE, 0 }, TABLE_NEXT_NAME);
}

/* A transaction is atomic for rules and for hashes, but a new set of intervals begins to answer only
 * when the rules that ask it have been in force for some 100 us already (nft_set_rbtree.c has an array
 * since Linux 6.18, which nft_rbtree_commit() publishes last of all). A connection that began then
 * would never be translated. So where there are rules, a copy of the new ones comes first: until it
 * answers the old ones do, and then it answers until they are replaced. */
static struct batch_error stand_in(struct owner *owner, const struct set *set, uint8_t owned)
{
	struct batch batch;

	batch_begin(&batch);
	remove_next(&batch);
	table_frame(&batch, TABLE_NEXT_NAME, set, flags[owned].next);
	fill_table(&batch, TABLE_NEXT_NAME, set);
	return commit(owner, &batch, UPON_ANY);
}

/* Without the guard only if it is as it was: what is not told yet may be about it. */
static struct batch_error replace(struct owner *owner, const struct set *set, uint8_t owned,
				  bool with_guard, bool stands_in)
{
	struct batch_error error;
	struct batch batch;

	frame_make(&owner->frame, set, flags[owned].main, flags[owned].guard);
	frame_begin(&owner->frame, &batch, set, with_guard);
	if (!stands_in)
		remove_next(&batch); /* of one that was killed */
	error = commit(owner, &batch, with_guard ? UPON_ANY : UPON_HEARD);
	if (!error.error)
		owner->watch->whole = owner->nftables->generation;
	return error;
}

static void end_stand_in(struct owner *owner)
{
	struct batch_error error;
	struct batch batch;

	batch_begin(&batch);
	remove_next(&batch);
	error = commit(owner, &batch, UPON_ANY);
	owner->next_stays = error.error != 0;
	if (owner->next_stays)
		log_warning("the table inet %s stood in and cannot be removed yet: %s",
			    TABLE_NEXT_NAME, strerror(error.error));
}

static struct batch_error write_as(struct owner *owner, const struct set *set, uint8_t owned)
{
	struct batch_error error = { 0 };

	if (!main_exists(owner))
		return replace(owner, set, owned, true, false);
	error = stand_in(owner, set, owned);
	if (error.error)
		return error;
	error = replace(owner, set, owned, true, true);
	end_stand_in(owner);
	return error;
}

/* A kernel that does not know a flag refuses the table: EOPNOTSUPP, or EINVAL before Linux 5.12. */
static bool is_unable(const struct batch_error *error)
{
	return (error->error == EOPNOTSUPP || error->error == EINVAL) &&
	       is_about_a_table(error->item);
}

/* A kernel without the module of an expression (ENOENT), or with one that is too old. */
static void describe(const struct set *set, const struct batch_error *error,
		     char what[RULES_TEXT_MAX])
{
	size_t used;

	table_describe(set, error->item, what);
	used = strlen(what);
	if (error->expression[0])
		snprintf(what + used, RULES_TEXT_MAX - used, " (its \"%s\": module nft_%s)",
			 error->expression, error->expression);
}

int owner_write(struct owner *owner, const struct set *set, char what[RULES_TEXT_MAX],
		uint8_t *owned)
{
	struct batch_error error;

	frame_forget_ready(&owner->frame);
	*owned = set->owned < owner->able ? set->owned : owner->able;
	error = write_as(owner, set, *owned);
	while (is_unable(&error) && *owned > RULES_OWNED_NONE) {
		owner->able = --*owned;
		error = write_as(owner, set, *owned);
	}
	if (error.error)
		describe(set, &error, what);
	return error.error;
}

bool owner_change(struct owner *owner, const struct set *before, const struct set *now,
		  const struct change *change)
{
	struct batch_error error = { 0 };
	uint32_t generation = 0;
	struct batch batch;
	bool done;

	if (owner->next_stays || change->elements > CHANGES_MAX || before->owned != now->owned ||
	    nftables_read_generation(owner->nftables, &generation) != 0 ||
	    !watch_knows(owner->watch, owner->nftables, generation))
		return false;
	if (!change->elements)
		return true;
	batch_begin(&batch);
	change_write(&batch, TABLE_NAME, before, now, change);
	if (change->clients)
		guard_change(&batch, now, change->held, change->holds);
	batch_end(&batch);
	done = nftables_commit_upon(owner->nftables, &batch, generation, &error);
	batch_free(&batch);
	if (done)
		frame_make(&owner->frame, now, owner->frame.main_flags, owner->frame.guard_flags);
	return done;
}

void owner_get_ready(struct owner *owner, const struct set *set)
{
	frame_get_ready(&owner->frame, set);
}

int owner_repair(struct owner *owner, const struct set *set, bool guard_too,
		 char what[RULES_TEXT_MAX])
{
	uint8_t owned = set->owned < owner->able ? set->owned : owner->able;
	struct batch_error error = replace(owner, set, owned, guard_too, false);

	if (error.error == ERESTART && !guard_too)
		error = replace(owner, set, owned, true, false);
	if (error.error)
		describe(set, &error, what);
	return error.error;
}

int owner_remove(struct owner *owner, char what[RULES_TEXT_MAX])
{
	static const struct set nothing;
	struct batch_error error;
	struct batch batch;

	batch_begin(&batch);
	table_remove(&batch);
	guard_remove(&batch);
	remove_next(&batch);
	error = commit(owner, &batch, UPON_ANY);
	if (error.error)
		table_describe(&nothing, error.item, what);
	return error.error;
}
