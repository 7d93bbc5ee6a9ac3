// Gathers the kernels of one instruction set in a table; included last by every isa_*.cc.
#pragma once
#include "simd/isa_depthwise.h"
#include "simd/isa_elementwise.h"
#include "simd/isa_layers.h"
#include "simd/isa_operations.h"
#include "simd/isa_rows.h"
#include "simd/isa_tiles.h"
#include "simd/isa_winograd.h"

namespace {

convbook::Kernels makeKernels(const char* name) {
  convbook::Kernels k = {};
  k.name = name;
  fillAllTiles(k);
  fillWinograd(k);
  k.operations = {fourierPass<float>, fourierPass<double>, resizeRow, mixRows};
  k.depthwise = {depthwiseForward, depthwiseSums};
  k.unary = unary;
  k.binary = binary;
  k.compare = compare;
  k.select = select;
  k.fill = fill;
  k.sum = sum;
  k.extreme = extreme;
  k.reduceRows = reduceRows;
  k.moments = moments;
  k.affine = affine;
  k.normSums = normSums;
  k.normGrad = normGrad;
  k.affineRows = affineRows;
  k.gradRows = gradRows;
  k.momentRows = momentRows;
  k.maxPixel = maxPixel;
  k.sumPixel = sumPixel;
  k.maxPixelGrad = maxPixelGrad;
  k.multiplyAdd = multiplyAdd;
  k.copyRows = copyRows;
  k.softmaxRow = softmaxRow;
  k.sgd = sgd;
  k.adam = adam;
  k.rmsprop = rmsprop;
  return k;
}

}  // namespace
