console.log("engine: native code not built yet");
