/* When the common case of consumer_plain.h may be used, and what it compares with. Consumer's thread only. */
#include "client/consumer_plain.h"

#include "client/consumer_hot.h"

void tpi_plain_learn(tp_consumer_t *consumer, const tpi_frame_t *frame, const tp_frame_view_t *view)
{
    tp_consumer_t *c = consumer;
    tpi_plain_t *p = &c->plain;
    p->map = c->map;
    p->slots = tpi_pool_set_slot(c->map->set, 0);
    p->index_mask = c->map->set->index_mask;
    p->payloads = tpi_pool_payload(frame->pool, 0);
    p->stride_bytes = frame->pool->stride_bytes;
    p->pool_and_offset = (uint64_t)frame->pool->pool_id << 16;             /* and payload offset 0 */
    p->max_gap = 0 == c->follow.max_gap ? UINT64_MAX : c->follow.max_gap;
    p->view = *view;
    p->view.flags = c->is_observer ? TP_FRAME_NO_DESCRIPTOR : 0;                           /* L-107 */
}

static bool is_followed_in_order(const tpi_follow_t *f) { return f->has_last && !f->is_resyncing && 0 == f->last >> 62; }

void tpi_plain_settle(tp_consumer_t *consumer)
{
    tp_consumer_t *c = consumer;
    const bool is_learnt = NULL != c->map && c->map == c->plain.map && !c->suspended && c->checker.is_known;
    const bool is_wanted = NULL == c->on_descriptor && NULL == c->latency && !c->follow.newest_only && !c->close_asked;
    const bool is_announced = c->follow.has_descriptor && !c->was_thinned && !c->watch.is_following;
    const bool is_next = is_followed_in_order(&c->follow) && (c->is_observer || is_announced);
    const bool is_plain = is_learnt && is_wanted && is_next && !c->map->set->is_guarded;
    c->plain.use = !is_plain ? TPI_PLAIN_NOT : NULL == c->on_frame ? TPI_PLAIN_NEXT : TPI_PLAIN_HANDLER;
}

int tpi_plain_next(tp_consumer_t *consumer, tp_frame_view_t *view)
{
    tp_consumer_t *c = consumer;
    if (0 == tpi_plain_begin(c, TPI_PLAIN_NEXT) || !tpi_plain_read(c, &c->stage[c->stage_at])) { return 0; }
    c->stage_at++;
    *view = c->plain.view;
    return 1;
}
