/** Numbers that the native code knows operations by: places in these lists. The order is that of its enumerations, which are compared with them when it is loaded. */
export const unaryOps = [
  ..."Relu Relu6 Step Square Sqrt Rsqrt Exp Log Neg Sigmoid Tanh Abs Reciprocal Sign Floor Ceil Round Elu".split(" "),
  ..."Selu LeakyRelu Softplus Expm1 Log1p Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Erf Clip".split(" "),
  ..."Copy Gelu Silu".split(" "),
] as const;
export const binaryOps = [
  ..."Add Sub Multiply RealDiv Maximum Minimum SquaredDifference Pow Prelu EluGrad ReluGrad Relu6Grad".split(" "),
  ..."Mod FloorDiv Atan2 SiluGrad GeluGrad".split(" "),
] as const;
export const compareOps = ["Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual"] as const;
export const reduceOps = { sum: 0, max: 1, min: 2, prod: 3 } as const;
export const castOps = {
  floatToInt: 0,
  intToFloat: 1,
  byteToFloat: 2,
  byteToInt: 3,
  floatToBool: 4,
  intToBool: 5,
} as const;
export const activations = { linear: 0, relu: 1, relu6: 2 } as const;

export const intBinaryOps = "Add Sub Multiply Maximum Minimum SquaredDifference Mod FloorDiv BitwiseAnd".split(" ");
export const intUnaryOps = "Neg Abs Square".split(" ");
export const byteBinaryOps = "LogicalAnd LogicalOr Equal NotEqual".split(" ");
export const floatClasses = "IsNan IsInf IsFinite".split(" ");
