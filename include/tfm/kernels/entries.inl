// What running a model computes with: TFM_ENTRY(name, parameters) for each entry of kernels::Table. A function does the rows, panels or
// heads that it is given, and nothing else: kernels/*.hpp say what it computes, and share the work out. A CPU's functions run on several
// threads at once and leave the context alone.

// Activations as int8, in blocks of 32 and in whole rows; outliers; as bfloat16 (null where no instruction has its products).
TFM_ENTRY(quantise_blocks, Context&, View x, signed char* q, float* scales, float* scaled_sums, int* starts, int* half_starts, float* rest)
TFM_ENTRY(quantise_whole_row, Context&, View x, float at_least, signed char* q, float* scale, int* start)
TFM_ENTRY(mark_outliers, Context&, View x, float threshold, bool half, std::uint64_t* marks, int* counts)
TFM_ENTRY(bf16_rows, Context&, View x, unsigned short* out)

// Products: panels first .. first + count of y = x Wᵀ, of float32, int8 and bfloat16 activations (null as above).
TFM_ENTRY(matmul_chunk, Context&, const MatmulTask& a, Index first, Index count, float* scratch)
TFM_ENTRY(int8_chunk, Context&, const MatmulTask& a, Index first, Index count)
TFM_ENTRY(bf16_chunk, Context&, const MatmulTask& a, Index first, Index count, float* scratch)

// Memory: whole views, rows by their numbers, and rows of a weight's table, dequantised (row_major: of plain floats, or null).
TFM_ENTRY(fill, Context&, MutableView y, float value)
TFM_ENTRY(copy, Context&, View x, MutableView y)
TFM_ENTRY(take_rows, Context&, View x, const Index* rows, MutableView y)
TFM_ENTRY(put_rows, Context&, View x, const Index* rows, MutableView y)
TFM_ENTRY(weight_rows, Context&, const Panels& w, const float* row_major, const std::int32_t* ids, MutableView y)

// Element by element, and row by row.
TFM_ENTRY(add_into, Context&, View x, MutableView y)
TFM_ENTRY(add_bias, Context&, const float* b, MutableView y)
TFM_ENTRY(bias_relu, Context&, const float* b, MutableView y)
TFM_ENTRY(gather_add, Context&, View table, const Index* rows, MutableView y)
TFM_ENTRY(scale_add, Context&, float a, View x, MutableView y)
TFM_ENTRY(scale, Context&, float a, View x, MutableView y)
TFM_ENTRY(silu_mul, Context&, View gate, View up, MutableView y)
TFM_ENTRY(relu, Context&, View x, MutableView y)
TFM_ENTRY(dropout, Context&, View x, const std::uint64_t* keys, float rate, MutableView y)
TFM_ENTRY(dropout_add, Context&, View x, const std::uint64_t* keys, float rate, MutableView y)
TFM_ENTRY(rotary_angles, Context&, Index position, const float* frequencies, MutableView cosine, MutableView sine)
TFM_ENTRY(rotate, Context&, MutableView x, View cosine, View sine, float sign)
TFM_ENTRY(rms_norm, Context&, View x, const float* w, float eps, MutableView y, float* inverse)
TFM_ENTRY(layer_norm, Context&, View x, const float* w, const float* b, float eps, MutableView y, float* statistics)
TFM_ENTRY(softmax, Context&, View x, MutableView y, float* statistics)

// What a sampler looks at of logits; `ids` and `values` have room for all of them.
TFM_ENTRY(largest_logits, Context&, View logits, LargestLogit* largest)
TFM_ENTRY(top_k, Context&, View logits, Index k, std::int32_t* ids, float* values, Index* count)

// Attention and its cache.
TFM_ENTRY(append_rows, Context&, const CacheRows& a, Index tokens)
TFM_ENTRY(attention_chunk, Context&, const AttentionHead& a, Index first, Index count, float* scratch)
TFM_ENTRY(attention_pieces, Context&, const AttentionHead& a, Index first, Index count, float* parts, float* scratch)
TFM_ENTRY(attention_joined, Context&, const AttentionHead& a, Index pieces, float* parts)
TFM_ENTRY(attention_rows, Context&, const AttentionHead& a, Index tokens, const float* k, const float* v, Index kv_row, float* scratch)
