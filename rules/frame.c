/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/frame.h"

#include "rules/fill.h"
#include "rules/guard.h"
#include "rules/table.h"

#define READY_MAX                                                                                  \
	1000 /* elements, more or less: 100 KiB, and an instant for each reading of counters */

void frame_make(struct frame *frame, const struct set *set, uint32_t main_flags,
		uint32_t guard_flags)
{
	uint64_t holds = table_holds(set);

	if (frame->batch.size && frame->holds == holds && frame->main_flags == main_flags &&
	    frame->guard_flags == guard_flags && frame->ports == set->published.ports &&
	    frame->networks == set->networks.count)
		return;
	batch_free(&frame->batch);
	frame_forget_ready(frame);
	*frame = (struct frame){ .main_flags = main_flags,
				 .guard_flags = guard_flags,
				 .holds = holds,
				 .ports = set->published.ports,
				 .networks = set->networks.count };
	batch_begin(&frame->batch);
	table_remove(&frame->batch);
	table_frame(&frame->batch, TABLE_NAME, set, main_flags);
	frame->main = frame->batch.message_count;
	guard_remove(&frame->batch);
	guard_frame(&frame->batch, holds, guard_flags);
	batch_shrink(&frame->batch);
}

static void fill(const struct frame *frame, struct batch *batch, const struct set *set,
		 bool with_guard)
{
	batch_copy(batch, &frame->batch, with_guard ? frame->batch.message_count : frame->main);
	fill_lasting(batch, TABLE_NAME, set);
	if (with_guard)
		guard_fill(batch, set);
}

void frame_forget_ready(struct frame *frame)
{
	batch_free(&frame->ready);
}

void frame_get_ready(struct frame *frame, const struct set *set)
{
	frame_forget_ready(frame);
	if (frame->batch.size && set->published.ports + set->networks.count <= READY_MAX)
		fill(frame, &frame->ready, set, true);
}

void frame_begin(struct frame *frame, struct batch *batch, const struct set *set, bool with_guard)
{
	if (with_guard && frame->ready.size) {
		*batch = frame->ready;
		frame->ready = (struct batch){ 0 };
	} else {
		fill(frame, batch, set, with_guard);
	}
	fill_passing(batch, TABLE_NAME, set);
}
