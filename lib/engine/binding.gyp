{
  "variables": { "amx%": "<!(node install/knows-amx.cjs)", "onednn%": "<!(node install/finds-onednn.cjs)" },
  # One static library for each instruction set, so that its flags reach nothing else.
  "target_defaults": {
    "defines": ["NAPI_VERSION=8"],
    "include_dirs": ["native"],
    "conditions": [["target_arch=='x64' and amx==1", { "defines": ["CONVBOOK_AMX=1"] }]],
    "cflags": ["-O3", "-fvisibility=hidden", "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra",
               "-Wno-maybe-uninitialized", "-Wno-unknown-warning-option"],
    "cflags_cc": ["-std=c++17"],
    "cflags!": ["-fno-exceptions", "-g"],
    "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++14", "-std=gnu++17", "-std=gnu++20"],
    "xcode_settings": {
      "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
      "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
      "GCC_OPTIMIZATION_LEVEL": "3",
      "MACOSX_DEPLOYMENT_TARGET": "11.0",
      "OTHER_CFLAGS": ["-fno-math-errno", "-fno-trapping-math"]
    },
    "msvs_settings": {
      "VCCLCompilerTool": { "ExceptionHandling": 1, "AdditionalOptions": ["/std:c++17"] }
    }
  },
  "conditions": [
    ["target_arch=='x64'", {
      "targets": [
        {
          "target_name": "isa_avx512",
          "type": "static_library",
          "sources": ["native/simd/isa_avx512.cc"],
          "cflags": ["-fPIC", "-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mfma", "-mprefer-vector-width=512"],
          "xcode_settings": { "OTHER_CFLAGS": ["-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mfma"] },
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["/arch:AVX512"] } }
        },
        {
          "target_name": "isa_avx2",
          "type": "static_library",
          "sources": ["native/simd/isa_avx2.cc"],
          "cflags": ["-fPIC", "-mavx2", "-mfma"],
          "xcode_settings": { "OTHER_CFLAGS": ["-mavx2", "-mfma"] },
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["/arch:AVX2"] } }
        }
      ]
    }],
    # A module of its own, which the engine loads where somebody asks for it.
    ["onednn==1", {
      "targets": [
        { "target_name": "onednn", "sources": ["native/onednn/onednn_module.cc"], "libraries": ["-ldnnl"] }
      ]
    }],
    ["target_arch=='x64' and amx==1", {
      "targets": [
        {
          "target_name": "isa_amx",
          "type": "static_library",
          "sources": ["native/amx/isa_amx.cc", "native/amx/isa_amx_filter.cc", "native/amx/isa_amx_strip.cc"],
          "cflags": ["-fPIC", "-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mfma", "-mavx512bf16", "-mamx-tile",
                     "-mamx-bf16", "-mprefer-vector-width=512", "-Wno-uninitialized"]
        }
      ]
    }]
  ],
  "targets": [
    {
      "target_name": "engine",
      "sources": [
        "native/bindings/addon.cc", "native/bindings/arguments.cc", "native/bindings/array_bindings.cc", "native/bindings/conv_bindings.cc",
        "native/bindings/integer_bindings.cc", "native/bindings/layer_bindings.cc", "native/bindings/memory_bindings.cc",
        "native/bindings/onednn_bindings.cc", "native/bindings/operation_bindings.cc",
        "native/bindings/optimizer_bindings.cc", "native/bindings/program_bindings.cc",
        "native/bindings/table_bindings.cc",
        "native/simd/instruction_set.cc", "native/simd/isa_generic.cc",
        "native/amx/amx.cc", "native/amx/amx_conv.cc", "native/amx/amx_correlation.cc", "native/amx/amx_filter.cc",
        "native/amx/amx_implementation.cc", "native/amx/amx_product.cc", "native/amx/amx_weights.cc", "native/amx/bf16_matmul.cc",
        "native/conv/conv.cc", "native/conv/conv_filter.cc", "native/conv/depthwise.cc", "native/conv/folded.cc", "native/conv/inverted.cc", "native/conv/kept.cc",
        "native/conv/matmul.cc", "native/conv/pointwise.cc", "native/conv/turn.cc", "native/conv/window.cc",
        "native/onednn/choices.cc", "native/onednn/onednn.cc",
        "native/ops/arrays.cc", "native/ops/fourier.cc", "native/ops/indexing.cc", "native/ops/integers.cc",
        "native/ops/norm.cc", "native/ops/resize.cc", "native/ops/spatial.cc",
        "native/program/program_backward.cc", "native/program/program_forward.cc", "native/program/program_pixelwise.cc",
        "native/program/program_plan.cc", "native/program/program_reader.cc", "native/program/program_run.cc",
        "native/runtime/lent.cc", "native/runtime/memory.cc", "native/runtime/parallel.cc", "native/runtime/processors.cc",
        "native/runtime/workers.cc",
        "native/winograd/winograd.cc", "native/winograd/winograd_cost.cc", "native/winograd/winograd_filter.cc",
        "native/winograd/winograd_plan.cc", "native/winograd/winograd_tiles.cc"
      ],
      "conditions": [
        ["target_arch=='x64'", { "dependencies": ["isa_avx512", "isa_avx2"] }],
        ["target_arch=='x64' and amx==1", { "dependencies": ["isa_amx"] }]
      ]
    }
  ]
}
