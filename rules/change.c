/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/change.h"

#include <string.h>

#include "rules/element.h"
#include "rules/fill.h"

enum step {
	STEP_LEAVES,
	STEP_COMES,
	STEP_STAYS,
	STEP_CHANGES, /* other data, or another end of the interval */
	STEP_END
};

/* Two walks beside each other, in the order of the keys. */
struct merge {
	struct element_walk walks[2]; /* before, now */
	struct element at[2];
	bool has[2];
};

static struct merge merge_begin(enum table_set in, const struct set *before, const struct set *now)
{
	struct merge merge = { .walks = { { .set = before, .in = in }, { .set = now, .in = in } } };

	for (size_t i = 0; i < 2; i++)
		merge.has[i] = element_next(&merge.walks[i], &merge.at[i]);
	return merge;
}

static void advance(struct merge *merge, bool before, bool now)
{
	if (before)
		merge->has[0] = element_next(&merge->walks[0], &merge->at[0]);
	if (now)
		merge->has[1] = element_next(&merge->walks[1], &merge->at[1]);
}

static bool same(const struct element *a, const struct element *b)
{
	return a->to_the_end == b->to_the_end &&
	       memcmp(a->after, b->after, sizeof(a->after)) == 0 && a->data_size == b->data_size &&
	       memcmp(a->data, b->data, sizeof(a->data)) == 0;
}

/* What comes next; merge->at is about it. After a step, merge_pass() goes on. */
static enum step merge_step(const struct merge *merge)
{
	int order;

	if (!merge->has[0] && !merge->has[1])
		return STEP_END;
	order = !merge->has[0]   ? 1
		: !merge->has[1] ? -1
				 : memcmp(merge->at[0].key, merge->at[1].key, ELEMENT_KEY_MAX);
	if (order != 0)
		return order < 0 ? STEP_LEAVES : STEP_COMES;
	return same(&merge->at[0], &merge->at[1]) ? STEP_STAYS : STEP_CHANGES;
}

static void merge_pass(struct merge *merge, enum step step)
{
	advance(merge, step != STEP_COMES, step != STEP_LEAVES);
}

/* Do two walks in no order meet the same elements in turn? */
static bool same_in_turn(enum table_set in, const struct set *before, const struct set *now)
{
	struct merge merge = merge_begin(in, before, now);

	while (merge_step(&merge) == STEP_STAYS)
		merge_pass(&merge, STEP_STAYS);
	return merge_step(&merge) == STEP_END;
}

static uint32_t count_elements(enum table_set in, const struct set *set, bool *counting)
{
	struct element_walk walk = { .set = set, .in = in };
	struct element element;
	uint32_t count = 0;

	for (; element_next(&walk, &element); count++)
		*counting |= element.count != NULL;
	return count;
}

static void add_ordered(struct change *change, enum table_set in, const struct set *before,
			const struct set *now)
{
	struct merge merge = merge_begin(in, before, now);
	enum step step;

	while ((step = merge_step(&merge)) != STEP_END) {
		change->elements += step != STEP_STAYS;
		change->recount |=
			(step == STEP_CHANGES || step == STEP_LEAVES) && merge.at[0].count;
		merge_pass(&merge, step);
	}
}

/* Networks, and the tunnels that they are behind. */
static bool is_about_clients(enum table_set in)
{
	return in == SET_TUNNELS || (in >= SET_EGRESS_HOSTS4 && in <= SET_CLOSED6);
}

struct change change_between(const struct set *before, const struct set *now)
{
	struct change change = { .held = table_holds(before), .holds = table_holds(now) };

	for (enum table_set in = 0; in < TABLE_SETS; in++) {
		uint32_t until_now = change.elements;

		if (table_set_is_dynamic(in)) /* stays as it is */
			continue;
		if (elements_ascend(in))
			add_ordered(&change, in, before, now);
		else if (!same_in_turn(in, before, now))
			change.elements += count_elements(in, now, &change.recount) + 1;
		if (change.elements == until_now)
			continue;
		change.sets |= TABLE_BIT(in);
		change.clients |= is_about_clients(in);
	}
	return change;
}

/* What goes has gone before what comes: an interval may take the place of another. */
static void write_ordered(struct batch *batch, const char *table, enum table_set in,
			  const struct set *before, const struct set *now)
{
	struct fill fill = fill_begin(batch, table, in, FILL_DELETE);
	struct merge merge = merge_begin(in, before, now);
	enum step step;

	for (; (step = merge_step(&merge)) != STEP_END; merge_pass(&merge, step))
		if (step == STEP_LEAVES || step == STEP_CHANGES)
			fill_element(&fill, &merge.at[0]);
	fill_end(&fill);
	fill = fill_begin(batch, table, in, FILL_ADD);
	merge = merge_begin(in, before, now);
	for (; (step = merge_step(&merge)) != STEP_END; merge_pass(&merge, step))
		if (step == STEP_COMES || step == STEP_CHANGES)
			fill_element(&fill, &merge.at[1]);
	fill_end(&fill);
}

void change_write(struct batch *batch, const char *table, const struct set *before,
		  const struct set *now, const struct change *change)
{
	table_open_frame(batch, table, now, change->held);
	for (enum table_set in = 0; in < TABLE_SETS; in++) {
		if (!(change->sets & TABLE_BIT(in)) || !table_has(change->holds, in))
			continue;
		if (elements_ascend(in)) {
			write_ordered(batch, table, in, before, now);
		} else {
			fill_flush(batch, table, in);
			fill_set(batch, table, now, in);
		}
	}
	table_close_frame(batch, table, change->held, change->holds);
}
