/*
 * The straight way of a frame out: while nothing but the one claim that is made and committed next is on its way, claim and commit need neither the
 * window nor the table of claims of producer_hot.c, and their numbers are derived: head is next_seq, or one less while that claim is out.
 *
 * gate says it all: OPEN, nothing is out; a serial, the claim with that serial is; SHUT, producer_hot.c is in charge. Whatever else a call wants
 * comes through tpi_producer_leave_straight, which writes down what was only implied; the end of a call on the long way goes back when nothing is
 * left to watch. What the conductor changes meanwhile raises attention after the change: the next call looks. Producer's thread, but for attention.
 */
#ifndef TPI_CLIENT_PRODUCER_STRAIGHT_H
#define TPI_CLIENT_PRODUCER_STRAIGHT_H

#include <stdatomic.h>
#include <stdint.h>

#include "bus/bus.h"
#include "codec/codec_wire.h"
#include "shm/slot.h"

#include <tensor_pool/client/tp_producer.h>

#define TPI_GATE_OPEN UINT64_C(1)      /* neither is the serial of a claim, nor the 0 of one that has ended */
#define TPI_GATE_SHUT UINT64_C(2)
#define TPI_SERIAL_FIRST UINT64_C(3)

typedef struct tpi_straight
{
    uint64_t gate;
    tpi_slot_word_t *slot;             /* these three: of the claim that is out */
    const tp_tensor_template_t *tensor;
    uint64_t length;
    /* of the mapping, as they were when the gate was opened */
    uint64_t index_mask;
    uint8_t *slots;
    uint8_t *payloads;                 /* these five, head and pool_id: of the pool that the last frame was put into */
    uint64_t stride_bytes;
    uint64_t fit_least;                /* shortest payload that goes there */
    uint64_t fit_span;                 /* the longest one less the shortest */
    uint64_t head;                     /* the first eight bytes of tp_buffer_claim_t: size and pool_id */
    uint16_t pool_id;
    uint64_t serial_base;              /* serial of the claim of seq 0 */
    const _Atomic uint32_t *interest;  /* in wakes (shm/wake.h) */
    tpi_publication_t *publication;
    uint8_t descriptor[TPC_FRAME_DESCRIPTOR_LENGTH];       /* the message, encoded once: tpc_frame_descriptor_patch */
}
tpi_straight_t;

/* Any thread, after a change that a producer in full flight has to notice: another mapping, private streams, a wake-up page. */
void tpi_producer_call_attention(tp_producer_t *producer);
void tpi_producer_leave_straight(tp_producer_t *producer);
/* Opens the gate when everything is as it has to be. */
void tpi_producer_go_straight(tp_producer_t *producer);

/* ---- producer_hot.c: the long way -------------------------------------------------------------------------------------- */

/* now_ns is compared with the deadline. */
int64_t tpi_producer_claim_long(tp_producer_t *producer, const tp_tensor_template_t *tensor, uint64_t length, uint64_t timestamp_ns, int64_t now_ns,
    tp_buffer_claim_t *claim);
int64_t tpi_producer_commit_long(tp_producer_t *producer, tp_buffer_claim_t *claim, const tp_frame_metadata_t *metadata);
/* The descriptor of the newest frame, which is committed and alone, was refused with rc. */
int64_t tpi_producer_refused(tp_producer_t *producer, int64_t rc);

#endif
