// What training computes with besides: TFM_ENTRY(name, parameters) for each entry of kernels::TrainingTable, as entries.inl has it.

// dx += dy W, 64 columns at most of it: of float32, int8 and bfloat16 gradients (null where no instruction has their products).
TFM_ENTRY(quantise_gradient, Context&, View dy, const float* weight_scales, signed char* q, Index q_row, float* scales, int* starts)
TFM_ENTRY(backward_chunk, Context&, const BackwardTask& a, Index k, Index n, float* scratch)
TFM_ENTRY(int8_backward_chunk, Context&, const BackwardTask& a, Index k, Index n, std::byte* scratch)
TFM_ENTRY(bf16_backward_chunk, Context&, const BackwardTask& a, Index k, Index n, float* scratch)

// dw += dyᵀ x
TFM_ENTRY(pack_columns, Context&, View x, Index first, Index count, float* panels)
TFM_ENTRY(accumulate_chunk, Context&, const AccumulateTask& a, Index row, Index n, Index first, Index count, float* scratch)

// Gradients of rows; those of columns take `count` columns of all rows, in the rows' order.
TFM_ENTRY(silu_mul_backward, Context&, View gate, View up, View dy, MutableView dgate, MutableView dup)
TFM_ENTRY(gelu_mul_backward, Context&, View gate, View up, View dy, MutableView dgate, MutableView dup)
TFM_ENTRY(soft_cap_backward, Context&, View y, float cap, MutableView d)
TFM_ENTRY(relu_backward, Context&, View y, View dy, MutableView dx)
TFM_ENTRY(rms_norm_backward, Context&, View x, const float* w, const float* inverse, View dy, MutableView dx)
TFM_ENTRY(rms_norm_backward_columns, Context&, View x, const float* inverse, View dy, Index first, Index count, float* dw)
TFM_ENTRY(layer_norm_backward, Context&, View x, const float* w, const float* statistics, View dy, MutableView dx)
TFM_ENTRY(layer_norm_backward_columns, Context&, View x, const float* statistics, View dy, Index first, Index count, float* dw, float* db)
TFM_ENTRY(add_bias_backward, Context&, View dy, Index first, Index count, float* db)
TFM_ENTRY(gather_backward, Context&, float a, View dy, const std::int32_t* ids, Index first, Index count, MutableView dtable)
TFM_ENTRY(attention_backward, Context&, const AttentionBackward& a, float* scratch)

// Losses and optimizers.
TFM_ENTRY(cross_entropy, Context&, View x, float weight, float uniform, float* dx, float* statistics)
TFM_ENTRY(sum_of_squares, Context&, const float* x, Index count, float* sum)
TFM_ENTRY(adam, Context&, const AdamStep& a, const float* g, float* p, float* m, float* v, Index count)
TFM_ENTRY(sgd, Context&, const SgdStep& a, const float* g, float* p, float* m, Index count)
