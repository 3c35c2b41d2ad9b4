// What a region offers that has int8 dot products of its own.
TFM_KERNEL Isa int8_chunk(const MatmulTask& a, Index first, Index count);
TFM_KERNEL Isa int8_backward_chunk(const BackwardTask& a, Index k, Index n, std::byte* scratch);
