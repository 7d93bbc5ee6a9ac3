// The functions on integers, booleans and places, as JavaScript sees them.
#pragma once
#include <node_api.h>

#include "context.h"

namespace convbook {

// An engine as bindings in other files than addon.cc reach it; its state lives as long as the environment.
struct EngineAccess {
  void* state;
  Context (*context)(void* state);
};

void defineArrayBindings(napi_env env, napi_value exports, EngineAccess engine);

}  // namespace convbook
