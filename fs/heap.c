/* SPDX-License-Identifier: MIT */
/* A binary min-heap in an array of pointers; each node knows its place. */
#include "base.h"

#include <stdlib.h>

#define FIRST_ROOM 64

static bool is_before(const struct heap_node *a, const struct heap_node *b)
{
	return a->key < b->key || (a->key == b->key && a->order < b->order);
}

static void place(struct heap *heap, size_t index, struct heap_node *node)
{
	heap->nodes[index] = node;
	node->at = index + 1;
}

static void move_up(struct heap *heap, struct heap_node *node)
{
	size_t index = node->at - 1;
	while (index > 0 && is_before(node, heap->nodes[(index - 1) / 2])) {
		place(heap, index, heap->nodes[(index - 1) / 2]);
		index = (index - 1) / 2;
	}
	place(heap, index, node);
}

static void move_down(struct heap *heap, struct heap_node *node)
{
	size_t index = node->at - 1, child;
	while ((child = index * 2 + 1) < heap->count) {
		if (child + 1 < heap->count &&
			is_before(heap->nodes[child + 1], heap->nodes[child]))
			child++;
		if (!is_before(heap->nodes[child], node))
			break;
		place(heap, index, heap->nodes[child]);
		index = child;
	}
	place(heap, index, node);
}

static void make_room(struct heap *heap)
{
	if (heap->count < heap->room)
		return;
	size_t room = heap->room > 0 ? heap->room * 2 : FIRST_ROOM;
	struct heap_node **nodes = reallocarray(heap->nodes, room, sizeof(struct heap_node *));
	if (nodes == NULL) {
		log_error("no memory for a deadline");
		abort();
	}
	heap->nodes = nodes;
	heap->room = room;
}

void heap_set(struct heap *heap, struct heap_node *node, int64_t key)
{
	node->key = key;
	node->order = heap->next_order++;
	if (node->at == 0) {
		make_room(heap);
		place(heap, heap->count++, node);
	}
	move_up(heap, node);
	move_down(heap, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
	if (node->at == 0)
		return;
	size_t index = node->at - 1;
	struct heap_node *last = heap->nodes[--heap->count];
	node->at = 0;
	if (last == node)
		return;
	place(heap, index, last);
	move_up(heap, last);
	move_down(heap, last);
}

struct heap_node *heap_top(const struct heap *heap)
{
	return heap->count > 0 ? heap->nodes[0] : NULL;
}

void heap_free(struct heap *heap)
{
	free(heap->nodes);
	*heap = (struct heap){ 0 };
}
