/* Uses the client library as an application does. */
#include <stdio.h>
#include <string.h>

#include <tensor_pool/tp.h>

int main(void)
{
    if (2 != tp_dtype_size(TP_DTYPE_UINT16)) { return 1; }
    if (0 != strcmp("BACK_PRESSURED", tp_result_name(TP_BACK_PRESSURED))) { return 2; }
    printf("client: %s\n", tp_strerror(TP_EINVAL));
    return 0;
}
