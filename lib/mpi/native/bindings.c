// JavaScript's side. What is given here was checked by index.ts; this checks what memory safety needs once more.
#include <mpi.h>
#include <node_api.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

typedef struct {
  napi_deferred deferred;
  // The arrays in use.
  napi_ref kept;
  bool is_answered;
} Owner;

static napi_threadsafe_function to_javascript;
static unsigned pending;

static napi_value undefined(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

static napi_value number(napi_env env, double given) {
  napi_value value;
  napi_create_double(env, given, &value);
  return value;
}

static napi_value text(napi_env env, const char* given) {
  napi_value value;
  if (napi_create_string_utf8(env, given, NAPI_AUTO_LENGTH, &value) != napi_ok) return undefined(env);
  return value;
}

static void set(napi_env env, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

// { outcome, culprit, message, result }
static napi_value report(napi_env env, Outcome outcome, int culprit, const char* message, const int* numbers) {
  napi_value object;
  napi_create_object(env, &object);
  set(env, object, "outcome", number(env, outcome));
  set(env, object, "culprit", number(env, culprit));
  set(env, object, "message", text(env, message));
  napi_value result;
  napi_create_array_with_length(env, 3, &result);
  for (uint32_t i = 0; i < 3; i++) napi_set_element(env, result, i, number(env, numbers[i]));
  set(env, object, "result", result);
  return object;
}

static napi_value outcome_of(napi_env env, const Job* job) {
  return report(env, job->outcome, job->culprit, job->message, job->result);
}

static napi_value verdict_of(napi_env env, const Verdict* verdict) {
  const int nothing[3] = {0};
  return report(env, verdict->outcome, verdict->culprit, verdict->message, nothing);
}

static void settle(Job* job) { napi_call_threadsafe_function(to_javascript, job, napi_tsfn_blocking); }

static void resolve(napi_env env, napi_value unused, void* context, void* data) {
  (void)unused;
  (void)context;
  Job* job = data;
  Owner* owner = job->owner;
  if (job->verdict != NULL) {
    // The library has it still, and the arrays with it: both are left to it.
    if (env == NULL || owner->is_answered) return;
    owner->is_answered = true;
    if (--pending == 0) napi_unref_threadsafe_function(env, to_javascript);
    napi_resolve_deferred(env, owner->deferred, verdict_of(env, job->verdict));
    return;
  }
  // Without an environment the process is ending.
  if (env != NULL) {
    if (--pending == 0) napi_unref_threadsafe_function(env, to_javascript);
    napi_delete_reference(env, owner->kept);
    napi_resolve_deferred(env, owner->deferred, outcome_of(env, job));
  }
  free(owner);
  job_free(job);
}

static napi_value start(napi_env env, napi_callback_info info) {
  (void)info;
  World world;
  char message[256] = "";
  if (to_javascript == NULL) {
    napi_value name = text(env, "MPI");
    if (napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, NULL, NULL, NULL, resolve, &to_javascript) !=
        napi_ok) {
      return undefined(env);
    }
    napi_unref_threadsafe_function(env, to_javascript);
  }
  if (!worker_start(settle, &world, message, sizeof message)) return text(env, message);
  napi_value object;
  napi_create_object(env, &object);
  set(env, object, "rank", number(env, world.rank));
  set(env, object, "size", number(env, world.size));
  set(env, object, "localRank", number(env, world.local_rank));
  set(env, object, "localSize", number(env, world.local_size));
  set(env, object, "node", number(env, world.node));
  set(env, object, "nodes", number(env, world.nodes));
  set(env, object, "threadLevel", number(env, world.thread_level));
  return object;
}

static napi_value refuse(napi_env env, Job* job, const char* message) {
  job_free(job);
  napi_throw_type_error(env, NULL, message);
  return NULL;
}

static bool is_element(napi_typedarray_type type, Element element, size_t* size) {
  switch (element) {
    case ELEMENT_FLOAT32: *size = 4; return type == napi_float32_array;
    case ELEMENT_FLOAT64: *size = 8; return type == napi_float64_array;
    case ELEMENT_INT32: *size = 4; return type == napi_int32_array;
    default: *size = 1; return type == napi_uint8_array;
  }
}

static bool array_of(napi_env env, napi_value value, Element element, void** data, size_t* count) {
  bool is_array = false;
  napi_typedarray_type type;
  size_t size;
  return napi_is_typedarray(env, value, &is_array) == napi_ok && is_array &&
         napi_get_typedarray_info(env, value, &type, count, data, NULL, NULL) == napi_ok &&
         is_element(type, element, &size);
}

static bool parts_of(napi_env env, napi_value list, Job* job) {
  uint32_t count = 0;
  if (napi_get_array_length(env, list, &count) != napi_ok) return false;
  job->parts = calloc(count + 1, sizeof(float*));
  job->lengths = calloc(count + 1, sizeof(size_t));
  if (job->parts == NULL || job->lengths == NULL) return false;
  job->part_count = count;
  for (uint32_t i = 0; i < count; i++) {
    napi_value part;
    void* data;
    if (napi_get_element(env, list, i, &part) != napi_ok) return false;
    if (!array_of(env, part, ELEMENT_FLOAT32, &data, &job->lengths[i])) return false;
    job->parts[i] = data;
    job->count += job->lengths[i];
  }
  return true;
}

// post(waits, communicator, kind, element, operation, root, key, timeout, scale, data, received): the outcome, or a
// promise of it.
static napi_value post(napi_env env, napi_callback_info info) {
  size_t given = 11;
  napi_value args[11];
  napi_get_cb_info(env, info, &given, args, NULL, NULL);
  Job* job = calloc(1, sizeof(Job));
  if (job == NULL) return refuse(env, job, "no memory");
  if (given < 11) return refuse(env, job, "post takes 11 arguments");
  int32_t numbers[6];
  double timeout = 0, scale = 1;
  bool waits = false;
  for (int i = 0; i < 6; i++) {
    if (napi_get_value_int32(env, args[1 + i], &numbers[i]) != napi_ok) return refuse(env, job, "a number is missing");
  }
  napi_get_value_bool(env, args[0], &waits);
  napi_get_value_double(env, args[7], &timeout);
  napi_get_value_double(env, args[8], &scale);
  job->communicator = numbers[0];
  job->kind = (Kind)numbers[1];
  job->element = (Element)numbers[2];
  job->operation = (Operation)numbers[3];
  job->root = numbers[4];
  job->key = numbers[5];
  job->timeout = timeout;
  job->scale = (float)scale;
  job->is_waited_for = waits;
  if (numbers[2] < 0 || numbers[2] > ELEMENT_UINT8 || numbers[3] < 0 || numbers[3] > OPERATION_MIN) {
    return refuse(env, job, "an unknown type or operation");
  }
  switch (job->kind) {
    case KIND_BARRIER:
    case KIND_SPLIT:
    case KIND_FREE: break;
    case KIND_BUCKET:
      if (!parts_of(env, args[9], job)) return refuse(env, job, "a bucket is a list of Float32Arrays");
      break;
    case KIND_ALLGATHER: {
      size_t room = 0;
      if (!array_of(env, args[10], job->element, &job->received, &room))
        return refuse(env, job, "no array to gather in");
      if (!array_of(env, args[9], job->element, &job->data, &job->count))
        return refuse(env, job, "no array of this type");
      int32_t size = 0;
      napi_get_value_int32(env, args[6], &size);
      if (size < 1 || job->count > room / (size_t)size) return refuse(env, job, "too little room to gather in");
      break;
    }
    case KIND_BROADCAST:
    case KIND_ALLREDUCE:
    case KIND_REDUCE:
      if (!array_of(env, args[9], job->element, &job->data, &job->count))
        return refuse(env, job, "no array of this type");
      break;
    default: return refuse(env, job, "an unknown kind");
  }
  if (waits) {
    Verdict late;
    if (worker_post(job, &late) == POST_STUCK) {
      // The MPI thread has it still: it is left to it, and so are the arrays.
      napi_ref kept;
      napi_value arrays;
      napi_create_array_with_length(env, 2, &arrays);
      napi_set_element(env, arrays, 0, args[9]);
      napi_set_element(env, arrays, 1, args[10]);
      napi_create_reference(env, arrays, 1, &kept);
      return verdict_of(env, &late);
    }
    napi_value outcome = outcome_of(env, job);
    job_free(job);
    return outcome;
  }
  Owner* owner = calloc(1, sizeof(Owner));
  if (owner == NULL) return refuse(env, job, "no memory");
  job->owner = owner;
  napi_value promise, kept;
  napi_create_promise(env, &owner->deferred, &promise);
  napi_create_array_with_length(env, 2, &kept);
  napi_set_element(env, kept, 0, args[9]);
  napi_set_element(env, kept, 1, args[10]);
  napi_create_reference(env, kept, 1, &owner->kept);
  if (pending++ == 0) napi_ref_threadsafe_function(env, to_javascript);
  if (worker_post(job, NULL) == POST_REFUSED) resolve(env, NULL, NULL, job);
  return promise;
}

static napi_value fail(napi_env env, napi_callback_info info) {
  size_t given = 1, length = 0;
  napi_value words;
  char buffer[1024] = "";
  napi_get_cb_info(env, info, &given, &words, NULL, NULL);
  napi_get_value_string_utf8(env, words, buffer, sizeof buffer, &length);
  worker_fail(buffer);
  return undefined(env);
}

static napi_value stop(napi_env env, napi_callback_info info) {
  size_t given = 2;
  napi_value args[2];
  int32_t code = 0;
  double patience = 5;
  napi_get_cb_info(env, info, &given, args, NULL, NULL);
  napi_get_value_int32(env, args[0], &code);
  napi_get_value_double(env, args[1], &patience);
  bool is_lost = false;
  const bool all_here = worker_stop(&code, patience, &is_lost);
  napi_value result;
  napi_create_object(env, &result);
  set(env, result, "code", number(env, code));
  napi_value value;
  napi_get_boolean(env, all_here, &value);
  set(env, result, "together", value);
  napi_get_boolean(env, is_lost, &value);
  set(env, result, "lost", value);
  return result;
}

static napi_value abort_all(napi_env env, napi_callback_info info) {
  size_t given = 1;
  napi_value arg;
  int32_t code = 1;
  napi_get_cb_info(env, info, &given, &arg, NULL, NULL);
  napi_get_value_int32(env, arg, &code);
  worker_abort(code);
  return undefined(env);
}

static void define(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function);
  set(env, exports, name, function);
}

NAPI_MODULE_INIT() {
  define(env, exports, "start", start);
  define(env, exports, "post", post);
  define(env, exports, "fail", fail);
  define(env, exports, "stop", stop);
  define(env, exports, "abort", abort_all);
#if defined(OPEN_MPI)
  set(env, exports, "family", text(env, "Open MPI"));
#elif defined(MPICH_VERSION)
  set(env, exports, "family", text(env, "MPICH"));
#else
  set(env, exports, "family", text(env, "MPI"));
#endif
  char version[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  MPI_Get_library_version(version, &length);
  set(env, exports, "library", text(env, version));
  return exports;
}
