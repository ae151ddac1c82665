/* Frames as DLPack tensors: shapes and types, whose bytes they are, how long they live. */
#include "client_rig.h"

#include <dlpack/dlpack.h>
#include <pthread.h>

#include "client/consumer_state.h"

typedef struct versioned
{
    uint32_t major;
    uint32_t minor;
    void *manager_ctx;
    void (*deleter)(struct versioned *self);
    uint64_t flags;
    DLTensor dl_tensor;
}
versioned_t;

static tp_producer_t *producer;
static tp_consumer_t *consumer;

static int setup(void **state)
{
    if (cr_setup(state) < 0) { return -1; }
    producer = cr_producer();
    consumer = cr_consumer();
    return 0;
}

static tp_frame_view_t next_view(void)
{
    tp_frame_view_t view;
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    return view;
}

static tp_frame_view_t publish_as(int dtype, int order, uint32_t ndims, const int32_t *dims, const int32_t *strides)
{
    tp_tensor_template_t *tensor = NULL;
    uint8_t payload[4096] = { 0 };
    assert_int_equal(tp_tensor_template_init_strided(&tensor, dtype, order, ndims, dims, strides, TP_PROGRESS_NONE), 0);
    const size_t length = (size_t)tp_tensor_extent_bytes(tp_tensor_template_tensor(tensor));
    for (size_t i = 0; i < length; i++) { payload[i] = (uint8_t)i; }
    assert_true(tp_producer_offer_frame(producer, tensor, payload, length, NULL) >= 0);
    tp_tensor_template_close(tensor);
    return next_view();
}

static DLManagedTensor *export_legacy(const tp_frame_view_t *view, uint32_t flags)
{
    void *managed = NULL;
    assert_int_equal(tp_dlpack_from_view(&managed, view, flags), 0);
    return managed;
}

static versioned_t *export_versioned(const tp_frame_view_t *view, uint32_t flags)
{
    void *managed = NULL;
    assert_int_equal(tp_dlpack_from_view(&managed, view, flags | TP_DLPACK_VERSIONED), 0);
    return managed;
}

static void shape_and_strides_in_elements_are_those_of_the_view(void **state)
{
    (void)state;
    const tp_frame_view_t view = publish_as(TP_DTYPE_UINT16, TP_ROW_MAJOR, 3, (const int32_t[]){ 2, 3, 4 }, (const int32_t[]){ 64, 16, 2 });
    DLManagedTensor *managed = export_legacy(&view, 0);
    const DLTensor *t = &managed->dl_tensor;
    static const int64_t dims[] = { 2, 3, 4 };
    static const int64_t strides[] = { 32, 8, 1 };
    assert_ptr_equal(t->data, view.payload);
    assert_int_equal(t->device.device_type, kDLCPU);
    assert_int_equal(t->device.device_id, 0);
    assert_int_equal(t->ndim, 3);
    assert_int_equal(t->byte_offset, 0);
    assert_memory_equal(t->shape, dims, sizeof(dims));
    assert_memory_equal(t->strides, strides, sizeof(strides));
    managed->deleter(managed);
    const tp_frame_view_t column = publish_as(TP_DTYPE_FLOAT64, TP_COLUMN_MAJOR, 2, (const int32_t[]){ 3, 5 }, NULL);
    managed = export_legacy(&column, 0);
    assert_int_equal(managed->dl_tensor.strides[0], 1);
    assert_int_equal(managed->dl_tensor.strides[1], 3);
    managed->deleter(managed);
}

static void each_scalar_type_has_its_code(void **state)
{
    (void)state;
    static const struct { int dtype; uint8_t code, legacy, bits; } rows[] = { { TP_DTYPE_UINT8, kDLUInt, kDLUInt, 8 },
        { TP_DTYPE_INT8, kDLInt, kDLInt, 8 }, { TP_DTYPE_UINT16, kDLUInt, kDLUInt, 16 }, { TP_DTYPE_INT16, kDLInt, kDLInt, 16 },
        { TP_DTYPE_UINT32, kDLUInt, kDLUInt, 32 }, { TP_DTYPE_INT32, kDLInt, kDLInt, 32 }, { TP_DTYPE_UINT64, kDLUInt, kDLUInt, 64 },
        { TP_DTYPE_INT64, kDLInt, kDLInt, 64 }, { TP_DTYPE_FLOAT32, kDLFloat, kDLFloat, 32 }, { TP_DTYPE_FLOAT64, kDLFloat, kDLFloat, 64 },
        { TP_DTYPE_BOOLEAN, 6, kDLUInt, 8 }, { TP_DTYPE_BYTES, kDLUInt, kDLUInt, 8 }, { TP_DTYPE_BIT, kDLUInt, kDLUInt, 8 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    {
        const tp_frame_view_t view = publish_as(rows[i].dtype, TP_ROW_MAJOR, 1, (const int32_t[]){ 8 }, NULL);
        DLManagedTensor *legacy = export_legacy(&view, 0);
        versioned_t *versioned = export_versioned(&view, 0);
        assert_int_equal(legacy->dl_tensor.dtype.code, rows[i].legacy);
        assert_int_equal(versioned->dl_tensor.dtype.code, rows[i].code);
        assert_int_equal(legacy->dl_tensor.dtype.bits, rows[i].bits);
        assert_int_equal(versioned->dl_tensor.dtype.bits, rows[i].bits);
        assert_int_equal(versioned->dl_tensor.dtype.lanes, 1);
        assert_int_equal(versioned->major, 1);
        assert_int_equal(versioned->flags, 1);             /* read-only */
        legacy->deleter(legacy);
        versioned->deleter(versioned);
    }
}

static void overwritten_slot_is_told__M4(void **state)
{
    (void)state;
    const tp_frame_view_t view = publish_as(TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, (const int32_t[]){ 32 }, NULL);
    DLManagedTensor *managed = export_legacy(&view, 0);
    versioned_t *copy = export_versioned(&view, TP_DLPACK_COPY);
    assert_true(tp_dlpack_is_valid(managed));
    for (uint32_t i = 1; i < CR_NSLOTS; i++) { assert_true(cr_publish(producer, 1) >= 0); }
    assert_true(tp_dlpack_is_valid(managed));
    assert_true(cr_publish(producer, 1) >= 0);             /* the ring has come round */
    assert_false(tp_dlpack_is_valid(managed));
    assert_true(tp_dlpack_is_valid(copy));
    assert_false(tp_dlpack_is_valid(NULL));
    assert_int_equal(copy->flags, 2);                      /* copied, and so writable */
    for (uint8_t i = 0; i < 32; i++) { assert_int_equal(((uint8_t *)copy->dl_tensor.data)[i], i); }
    ((uint8_t *)copy->dl_tensor.data)[0] = 9;
    managed->deleter(managed);
    copy->deleter(copy);
}

static void *delete_elsewhere(void *arg)
{
    DLManagedTensor *managed = arg;
    managed->deleter(managed);
    return NULL;
}

static void memory_outlives_lease_consumer_and_client_until_the_deleter__M9_W_114(void **state)
{
    (void)state;
    pthread_t thread;
    const tp_frame_view_t view = publish_as(TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, (const int32_t[]){ 32 }, NULL);
    DLManagedTensor *first = export_legacy(&view, 0);
    DLManagedTensor *second = export_legacy(&view, 0);
    cr_new_epoch();
    cr_announce();
    cr_step(100 * MS);
    (void)tp_consumer_poll_descriptors(consumer, 1);
    cr_step(100 * MS);
    assert_false(tp_dlpack_is_valid(first));               /* its mapping is not in force any more (W-114) */
    assert_int_equal(((const uint8_t *)first->dl_tensor.data)[31], 31);
    tp_consumer_close(consumer);
    tp_client_close(cr->client);
    cr->client = NULL;
    assert_int_equal(((const uint8_t *)first->dl_tensor.data)[31], 31);
    first->deleter(first);
    assert_int_equal(((const uint8_t *)second->dl_tensor.data)[31], 31);
    assert_false(tp_dlpack_is_valid(second));
    assert_int_equal(pthread_create(&thread, NULL, delete_elsewhere, second), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void what_cannot_be_exported_is_refused_with_the_reason__O_15(void **state)
{
    (void)state;
    void *managed = NULL;
    tp_frame_view_t view = publish_as(TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, (const int32_t[]){ 32 }, NULL);
    assert_int_equal(tp_dlpack_from_view(NULL, &view, 0), -1);
    assert_int_equal(tp_dlpack_from_view(&managed, NULL, 0), -1);
    assert_int_equal(tp_dlpack_from_view(&managed, &view, 4), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    tp_tensor_t odd = *view.tensor;
    tp_frame_view_t changed = view;
    changed.tensor = &odd;
    odd.dims[0] = 33;
    assert_int_equal(tp_dlpack_from_view(&managed, &changed, 0), -1);
    assert_int_equal(tp_errcode(), TP_ETENSOR);
    odd = (tp_tensor_t){ .size = sizeof(odd), .dtype = TP_DTYPE_UINT16, .order = TP_ROW_MAJOR, .ndims = 1, .dims = { 4 }, .strides = { 3 } };
    assert_int_equal(tp_dlpack_from_view(&managed, &changed, 0), -1);
    assert_int_equal(tp_errcode(), TP_ETENSOR);
    for (uint32_t i = 0; i < CR_NSLOTS; i++) { assert_true(cr_publish(producer, 1) >= 0); }
    assert_int_equal(tp_dlpack_from_view(&managed, &view, TP_DLPACK_COPY), -1);
    assert_int_equal(tp_errcode(), TP_ETORN);
    const tp_frame_view_t later = next_view();
    assert_int_equal(tp_dlpack_from_view(&managed, &view, 0), -1);     /* lives no more */
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_null(managed);
    assert_int_equal(tp_dlpack_from_view(&managed, &later, 0), 0);
    ((DLManagedTensor *)managed)->deleter(managed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, cr_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shape_and_strides_in_elements_are_those_of_the_view), TEST(each_scalar_type_has_its_code), TEST(overwritten_slot_is_told__M4),
        TEST(memory_outlives_lease_consumer_and_client_until_the_deleter__M9_W_114), TEST(what_cannot_be_exported_is_refused_with_the_reason__O_15),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
