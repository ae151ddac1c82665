/* Decision table of 20-driver.md 3.2. Stateless. */
#include "protocol/attach.h"

#include "codec/codec_shm.h"

bool tpi_attach_wants_node(uint32_t desired_node_id) { return TP_NULL_U32 != desired_node_id && 0 != desired_node_id; }

static tpi_attach_decision_t refuse(int row, int32_t code, const char *text)
{
    const tpi_attach_decision_t decision = { .outcome = TPI_ATTACH_REFUSE, .row = row, .code = code, .text = text };
    return decision;
}

static bool is_role(uint8_t role) { return TP_ROLE_PRODUCER == role || TP_ROLE_CONSUMER == role; }

/* Rows 2 to 6, and 7 to 9; row 1 is decided where the message header is read. outcome 0: no row matches. */
static tpi_attach_decision_t decide_request(const tpc_attach_request_t *r, const tpi_attach_facts_t *f)
{
    if (f->draining) { return refuse(2, TPC_CODE_REJECTED, "driver draining"); }                                     /* D-148 */
    if (!is_role(r->role)) { return refuse(3, TPC_CODE_INVALID_PARAMS, "invalid role"); }                            /* D-073 */
    if (0 == r->client_id) { return refuse(4, TPC_CODE_INVALID_PARAMS, "client_id must be non-zero"); }
    if (TP_PUBLISH_REQUIRE_EXISTING != r->publish_mode && TP_PUBLISH_EXISTING_OR_CREATE != r->publish_mode && TP_PUBLISH_ABSENT != r->publish_mode)
    {
        return refuse(5, TPC_CODE_UNSUPPORTED, "unsupported publish_mode");                                          /* D-072, OP-D-11 */
    }
    if (r->require_hugepages > TP_HUGEPAGES_REQUIRED) { return refuse(6, TPC_CODE_INVALID_PARAMS, "invalid hugepages policy"); }
    if (f->is_repeat)                                                                                                /* D-029, trap P3 */
    {
        const tpi_attach_decision_t repeat = { .outcome = TPI_ATTACH_REPEAT, .row = 7, .code = TPC_CODE_OK, .text = "" };
        return repeat;
    }
    if (f->client_attached) { return refuse(8, TPC_CODE_REJECTED, TPI_TEXT_CLIENT_ID_ATTACHED); }                    /* D-027 */
    if (UINT32_MAX == r->stream_id) { return refuse(9, TPC_CODE_INVALID_PARAMS, "invalid stream_id"); }
    const tpi_attach_decision_t none = { .outcome = 0, .text = "" };
    return none;
}

/* Row 10: table 3.3. */
static tpi_attach_decision_t resolve_stream(const tpc_attach_request_t *r, const tpi_attach_facts_t *f)
{
    tpi_attach_decision_t decision = { .outcome = TPI_ATTACH_GRANT, .row = 18, .code = TPC_CODE_OK, .text = "" };
    if (f->stream_known) { return decision; }
    if (TP_PUBLISH_EXISTING_OR_CREATE != r->publish_mode || !f->allow_dynamic)
    {
        return refuse(10, TPC_CODE_REJECTED, "stream not provisioned");                                              /* D-043 D-044 */
    }
    if (!f->range_set) { return refuse(10, TPC_CODE_INVALID_PARAMS, "stream_id_range not configured"); }             /* D-164 */
    if (0 != r->stream_id && !f->in_range) { return refuse(10, TPC_CODE_REJECTED, "stream not provisioned"); }       /* OP-D-12 */
    if (0 == r->stream_id && !f->id_free) { return refuse(10, TPC_CODE_INVALID_PARAMS, "stream_id_range exhausted"); }
    if (!f->default_profile_known) { return refuse(10, TPC_CODE_INVALID_PARAMS, "default profile missing"); }
    decision.create_stream = true;                                                                                   /* D-042 D-045 */
    decision.allocate_id = 0 == r->stream_id;
    return decision;
}

tpi_attach_decision_t tpi_attach_decide(const tpc_attach_request_t *r, const tpi_attach_facts_t *f)
{
    tpi_attach_decision_t decision = decide_request(r, f);
    if (0 != decision.outcome) { return decision; }
    decision = resolve_stream(r, f);
    if (TPI_ATTACH_REFUSE == decision.outcome) { return decision; }

    if (0 == f->pool_count) { return refuse(11, TPC_CODE_INVALID_PARAMS, "stream has no payload pools"); }           /* D-051 */
    if (0 != r->expected_layout_version && TPC_LAYOUT_VERSION != r->expected_layout_version)
    {
        return refuse(12, TPC_CODE_REJECTED, "layout_version mismatch");                                             /* D-074 D-046, OP-D-26 */
    }
    if (TP_ROLE_PRODUCER == r->role && f->has_producer) { return refuse(13, TPC_CODE_REJECTED, "producer already attached"); } /* D-052 W-247 D-053 */

    const bool wants_huge = TP_HUGEPAGES_REQUIRED == r->require_hugepages || (TP_HUGEPAGES_UNSPECIFIED == r->require_hugepages && f->default_huge);
    if (wants_huge && !f->huge_backing) { return refuse(14, TPC_CODE_REJECTED, "hugepages not available"); }         /* D-048 D-050 */
    if (TP_HUGEPAGES_STANDARD == r->require_hugepages && f->huge_backing)
    {
        return refuse(14, TPC_CODE_REJECTED, "standard pages not available");                                        /* D-049 */
    }
    decision.hugepages = wants_huge;

    decision.any_node = !tpi_attach_wants_node(r->desired_node_id);
    if (!decision.any_node && !f->wanted_node_free) { return refuse(15, TPC_CODE_REJECTED, "desired node_id unavailable"); }     /* D-088 */
    if (decision.any_node && !f->any_node_free) { return refuse(16, TPC_CODE_REJECTED, "node_id unavailable"); }     /* OP-D-10 */
    return decision;
}

tpi_detach_decision_t tpi_detach_decide(uint8_t role, bool lease_matches)
{
    if (!is_role(role)) { return (tpi_detach_decision_t){ TPC_CODE_INVALID_PARAMS, "invalid role" }; }
    if (!lease_matches) { return (tpi_detach_decision_t){ TPC_CODE_REJECTED, "no such lease" }; }                    /* D-110 */
    return (tpi_detach_decision_t){ TPC_CODE_OK, "" };                                                               /* D-109 */
}
