"""What people type who come from another library works, or is answered by what to write here.

The names are the public ones of PyTorch 2, JAX, HIPS autograd, MyGrad, micrograd, Keras and
scikit-learn that programs use. Left out are those that end in an underscore besides the usual ones,
the parts of a library that programs do not call (types of its compiler, storage, dispatch), sparse
and quantised arrays, devices, mixed precision, windows, three-dimensional pictures, random state.
"""

import copy
import re

import numpy as np
import pytest
from all_cases import NUMPY

import autograd_lite as al
from autograd_lite import elsewhere, nn
from nn import spelling

TENSOR = """
T abs absolute acos acosh add add_ addbmm addcdiv addcmul addmm addmv addr addressable_data
adjoint all allclose amax amin aminmax angle any arccos arccosh arcsin arcsinh arctan arctan2
arctanh argmax argmin argpartition argsort argwhere as_strided asin asinh astype at atan atan2
atanh backward baddbmm base bernoulli bfloat16 bincount bitwise_and bitwise_left_shift
bitwise_not bitwise_or bitwise_right_shift bitwise_xor bmm bool broadcast_to byte byteswap
cdouble ceil char cholesky cholesky_solve choose chunk clamp clamp_ clamp_max clamp_min
clear_graph clip clip_ clone committed compress conj conjugate constant contiguous copy copy_
copysign corrcoef cos cosh count_nonzero cov cpu creator cross cuda cummax cummin cumprod cumsum
data data_ptr deg2rad det detach detach_ device diag diag_embed diagflat diagonal diff digamma
dim dist div div_ divide dot double dsplit dtype element_size eq equal erf erfc erfinv exp exp2
exp_ expand expand_as expm1 fill_ fix flat flatten flip fliplr flipud float float_power floor
floor_divide fmax fmin fmod frac frexp gather gcd ge ger grad grad_fn greater greater_equal gt
half hardshrink heaviside histc histogram hsplit hypot i0 imag index index_add index_fill
index_put index_select indices inner int inverse is_complex is_contiguous is_cpu is_cuda
is_floating_point is_leaf is_nonzero is_same_size is_signed is_sparse isclose isfinite isinf
isnan isneginf isposinf isreal item itemsize kron kthvalue lcm ldexp le lerp less less_equal
lgamma log log10 log1p log2 log_softmax logaddexp logaddexp2 logcumsumexp logdet logical_and
logical_not logical_or logical_xor logit logsumexp long lstsq lt lu_solve mH mT masked_fill
masked_scatter masked_select matmul matrix_power max maximum mean median min minimum mm mode
moveaxis movedim msort mul mul_ multinomial multiply mv name nan_to_num nanmean nanmedian nansum
narrow nbytes ndim ndimension ne neg negative nelement new new_empty new_full new_ones
new_tensor new_zeros nextafter nonzero norm normal_ not_equal null_grad null_gradients numel
numpy outer output_nr permute pin_memory pinverse positive pow prelu prod ptp put qr rad2deg
ravel real reciprocal register_hook register_post_accumulate_grad_hook relu relu_ remainder
renorm repeat repeat_interleave requires_grad requires_grad_ reshape reshape_as resize resize_as
retain_grad retains_grad roll rot90 round rsqrt scatter scatter_add scatter_reduce searchsorted
select select_scatter sgn shape sharding short sigmoid sigmoid_ sign signbit sin sinc sinh size
slice_scatter slogdet softmax sort split split_with_sizes sqrt square squeeze std stride sub
sub_ subtract sum sum_to_size svd swapaxes swapdims t take take_along_dim tan tanh tensor_split
tile to to_dense to_device to_sparse tolist topk trace transpose triangular_solve tril triu
true_divide trunc type type_as unbind unflatten uniform_ unique unique_consecutive unsqueeze
values var vdot view view_as vsplit where xlogy zero_
""".split()
"""Attributes of arrays: torch.Tensor, jax.Array, mygrad.Tensor, micrograd's Value."""

AL = """
Array BFloat16Tensor BoolTensor DoubleTensor FloatTensor Generator GradScaler IntTensor Layer
LongTensor MLP Module Neuron Size Tensor Value abs absolute acos acosh adaptive_avg_pool2d
adaptive_max_pool2d add add_sequence addbmm addcdiv addcmul addmm addmv addr adjoint all
allclose alpha_dropout amax amin aminmax amp angle any append apply_along_axis apply_over_axes
arange arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin argpartition argsort
argwhere around array array_equal array_equiv array_repr array_split array_str as_strided
as_tensor asarray asin asinh astensor astype atan atan2 atanh atleast_1d atleast_2d autograd
average avg_pool1d avg_pool2d backends baddbmm bartlett batch_norm bernoulli bfloat16 bilinear
binary_cross_entropy binary_cross_entropy_with_logits bincount bitwise_and bitwise_count
bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor
blackman block block_until_ready bmm bool broadcast_arrays broadcast_shapes broadcast_to
bucketize can_cast cartesian_prod cat cbrt cdist cdouble ceil celu chain_matmul character
checkpoint checkpoint_policies cholesky cholesky_solve choose chunk clamp clamp_ clamp_max
clamp_min clear_caches clip clip_ clone column_stack compile compiler complex complex128
complex64 complexfloating compress concat concatenate cond config conj conjugate constant_pad_nd
conv1d conv2d conv_transpose2d convolve copy copysign copyto core corrcoef correlate cos cosh
cosine_similarity cot coth count_nonzero cov cpu cross cross_entropy csc csch csingle cuda
cummax cummin cumprod cumsum cumulative_prod cumulative_sum custom_gradient custom_jvp
custom_vjp debug debug_nans default_device defvjp_argnum deg2rad degrees delete deriv det detach
detach_ device device_count device_get device_put devices diag diag_embed diag_indices
diag_indices_from diagflat diagonal dict diff digamma digitize disable_jit dist distributed
distributions div divide divmod dot dot_product_attention double dropout dropout1d dropout2d
dsplit dstack dtype dtypes e ediff1d einsum einsum_path elementwise_grad elu embedding empty
empty_like enable_grad enable_x64 eq equal erf erfc erfinv euler_gamma eval_shape exp exp2 exp_
expand_dims experimental expm1 export extend extract eye fabs fft fill fill_ fill_diagonal finfo
fix flatnonzero flatten flexible flip fliplr flipud float float16 float32 float64 float_power
floating floor floor_divide fmax fmin fmod frac frexp from_numpy frombuffer fromfile
fromfunction fromiter frompyfunc fromstring full full_like func functional fwd_and_bwd fx gather
gaussian_nll_loss gcd ge gelu generic geomspace ger get_default_dtype get_printoptions glu grad
grad_and_aux grad_named gradient greater greater_equal group_norm gt gumbel_softmax half hamming
hanning hard_sigmoid hard_silu hard_swish hard_tanh hardshrink hardsigmoid hardswish hardtanh
heaviside hessian hessian_tensor_product hessian_vector_product hinge_embedding_loss histc
histogram histogram2d histogram_bin_edges histogramdd holomorphic_grad hsplit hstack huber_loss
hypot i0 identity iinfo imag image index_add index_exp index_fill index_put index_select indices
inexact inference_mode initial_seed initializers inner insert instance_norm int integer interp
interpolate intersect1d intp inverse invert is_complex is_floating_point is_nonzero is_same_size
is_signed is_tensor isclose iscomplex iscomplexobj isdtype isfinite isin isinf isinstance isnan
isnat isneginf isposinf isreal isrealobj isscalar issubdtype iterable jacfwd jacobian jacrev jit
jvp kaiser kl_div kron kthvalue l1_loss lax layer_norm lcm ldexp le leaky_relu left_shift lerp
less less_equal lexsort lgamma lib linalg linear linear_transpose linearize linspace list load
log log10 log1p log2 log_sigmoid log_softmax logaddexp logaddexp2 logcumsumexp logdet
logical_and logical_not logical_or logical_xor logit logmeanexp logsigmoid logspace logsumexp
long longdouble lstsq lt lu_solve make_ggnvp make_hvp make_jaxpr make_jvp make_vjp manual_seed
margin_ranking_loss mask_indices masked_fill masked_scatter masked_select math matmul
matrix_power matrix_rank matrix_transpose matvec max max_pool1d max_pool2d maximum
may_share_memory mean median mgrid min min_scalar_type minimum mish mm mod mode modf moveaxis
movedim mps mse_loss msort mul multi_head_attention_forward multi_margin_loss multi_matmul
multigrad_dict multinomial multiply multiply_sequence mv named_scope nan nan_to_num nanargmax
nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanstd
nansum nanvar narrow ndarray ndim ne neg negative newaxis nextafter nll_loss nn nnet no_autodiff
no_grad no_grad_funcs nonzero norm normal normalize not_equal np number numel numpy ogrid
one_hot ones ones_like optim outer packbits pad pairwise_distance partition percentile permute
permute_dims pi piecewise pinverse pixel_shuffle place pmap polar poly polyadd polyder polydiv
polyfit polyint polymul polysub polyval positive pow power prelu primitive printoptions prod
profiler promote_types ptp pure_callback put put_along_axis qr rad2deg radians rand rand_like
randint randint_like randn randn_like random randperm range ravel ravel_multi_index real
reciprocal relu relu6 relu_ remainder remat renorm repeat repeat_interleave reshape resize
result_type right_shift rint rms_norm roll rollaxis roots rot90 round row_stack rrelu rsqrt rsub
save savez scalar_tensor scaled_dot_product_attention scatter scatter_add scatter_reduce scipy
searchsorted sec sech seed select select_scatter selu set_default_device set_default_dtype
set_default_tensor_type set_float32_matmul_precision set_grad_enabled set_num_threads
set_printoptions setdiff1d setxor1d sgn shape shard_map sharding shares_memory short sigmoid
sigmoid_ sign signal signbit signedinteger silu sin sinc single sinh size slice_scatter
sliding_window_view slogdet smooth_l1_loss soft_margin_loss soft_sign softmax softmin softplus
softshrink softsign sort sort_complex spacing sparse special split split_with_sizes sqrt square
squareplus squeeze stack standardize std std_mean sub subtract sum svd swapaxes swapdims swish t
take take_along_axis take_along_dim tan tanh tanhshrink tensor tensor_jacobian_product
tensor_split tensordot testing threshold tile topk trace tracer transpose trapezoid trapz tree
tree_util tri triangular_solve tril tril_indices tril_indices_from trim_zeros
triplet_margin_loss triu triu_indices triu_indices_from true_divide trunc tuple type typename
typeof typing ufunc uint uintp unbind unflatten union1d unique unique_all unique_consecutive
unique_counts unique_inverse unique_values unpackbits unravel_index unsignedinteger unsqueeze
unstack unwrap upsample utils value_and_grad vander var var_mean vdot vecdot vecmat
vector_jacobian_product vectorize version view_as_complex view_as_real vjp vmap vsplit vstack
where while_loop xlogy zero_ zeros zeros_like
""".split()
"""Names of torch, torch.nn.functional, jax, jax.numpy, jax.nn, autograd, mygrad, micrograd.nn."""

NN = """
ASGD Activation Adadelta Adafactor Adagrad Adam AdamW Adamax AdaptiveAvgPool1d AdaptiveAvgPool2d
AdaptiveMaxPool1d AdaptiveMaxPool2d Add AlphaDropout Any AveragePooling1D AveragePooling2D
AvgPool1d AvgPool2d BCELoss BCEWithLogitsLoss BatchNorm1d BatchNorm2d BatchNormalization
Bidirectional Bilinear BinaryCrossentropy Buffer CELU CSVLogger CTCLoss CategoricalCrossentropy
ChainedScheduler Concatenate ConstantLR ConstantPad2d Conv1D Conv1d Conv2D Conv2DTranspose
Conv2d ConvTranspose1d ConvTranspose2d CosineAnnealingLR CosineAnnealingWarmRestarts CosineDecay
CosineEmbeddingLoss CosineSimilarity CrossEntropyLoss CyclicLR DataLoader DataParallel Dataset
Dense DepthwiseConv2D Dropout Dropout1d Dropout2d ELU EarlyStopping ElasticNet Embedding
EmbeddingBag ExponentialDecay ExponentialLR Flatten Fold GELU GLU GRU GRUCell GaussianNLLLoss
GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling2D GlorotUniform
GridSearchCV GroupNorm Hardshrink Hardsigmoid Hardswish Hardtanh HeNormal Hinge
HingeEmbeddingLoss Huber HuberLoss Identity Input InputLayer InstanceNorm1d InstanceNorm2d
KLDivLoss L1Loss LBFGS LPPool2d LRScheduler LSTM LSTMCell Lambda LambdaLR Lasso Layer LayerNorm
LayerNormalization LazyConv2d LazyLinear LeakyReLU LearningRateScheduler Linear LinearLR
LinearRegression LocalResponseNorm LogSigmoid LogSoftmax LogisticRegression LogisticRegressionCV
MLP MLPClassifier MLPRegressor MSELoss MarginRankingLoss MaxPool1d MaxPool2d MaxPooling1D
MaxPooling2D MeanAbsoluteError MeanSquaredError Mish Model ModelCheckpoint Module ModuleList
MultiHeadAttention MultiLabelMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss MultiStepLR
MultiheadAttention MultiplicativeLR Muon NAdam NLLLoss Nadam Neuron OneCycleLR Optimizer PReLU
PairwiseDistance Parameter ParameterList Perceptron Permute Pipeline PixelShuffle PoissonNLLLoss
PolynomialLR RAdam RMSNorm RMSprop RNN RNNBase RNNCell RReLU ReLU ReLU6 ReduceLROnPlateau
ReflectionPad2d RepeatVector ReplicationPad2d Reshape Ridge RidgeClassifier Rprop SELU SGD
SGDClassifier SGDRegressor SeparableConv2D Sequential SequentialLR SiLU Sigmoid SimpleRNN
SmoothL1Loss SoftMarginLoss Softmax Softmax2d Softmin Softplus Softshrink Softsign SparseAdam
SparseCategoricalCrossentropy SpatialDropout2D StandardScaler StepLR SyncBatchNorm Tanh
Tanhshrink Tensor TensorBoard TensorDataset Threshold TimeDistributed Transformer
TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer
TripletMarginLoss Unflatten Unfold UpSampling2D Upsample UpsamplingBilinear2d
UpsamplingNearest2d Value ZeroPad2d ZeroPadding2D accuracy_score activations adaptive_avg_pool2d
adaptive_max_pool2d alpha_dropout attention avg_pool1d avg_pool2d backend batch_norm bilinear
binary_cross_entropy binary_cross_entropy_with_logits binary_crossentropy callbacks
categorical_crossentropy celu classification_report confusion_matrix conv1d conv2d
conv_transpose2d cosine_similarity cross_entropy datasets dot_product_attention dropout
dropout1d dropout2d elu embedding f1_score functional gaussian_nll_loss gelu glu grad group_norm
gumbel_softmax hard_sigmoid hard_silu hard_swish hard_tanh hardshrink hardsigmoid hardswish
hardtanh hinge_embedding_loss huber_loss identity init initializers instance_norm interpolate
kl_div l1_loss layer_norm layers leaky_relu linear load_model log_loss log_sigmoid log_softmax
logmeanexp logsigmoid logsumexp losses lr_scheduler make_pipeline margin_ranking_loss math
max_pool1d max_pool2d mean_absolute_error mean_squared_error metrics mish models modules
mse_loss multi_head_attention_forward multi_margin_loss nll_loss normalize np one_hot optimizers
pad pairwise_distance parallel parameter pixel_shuffle precision_score prelu r2_score random
recall_score regularizers relu relu6 relu_ rms_norm roc_auc_score rrelu save_model
scaled_dot_product_attention selu sigmoid silu smooth_l1_loss soft_margin_loss soft_sign softmax
softmin softplus softshrink softsign sparse_categorical_crossentropy squareplus standardize
swa_utils swish tanh tanhshrink threshold to_categorical train_test_split triplet_margin_loss
upsample utils
""".split()
"""Names of torch.nn, torch.nn.functional, torch.optim, jax.nn, Keras and scikit-learn."""


def unanswered(holder, names):
    """The names that are neither there nor answered by what to take; a guess is no answer."""
    found = []
    for name in names:
        try:
            getattr(holder, name)
        except AttributeError as error:
            message = str(error)
            if "; " not in message or "did you mean" in message or "\n" in message:
                found.append(message)
    return found


def test_every_name_from_elsewhere_is_there_or_answered():
    assert not unanswered(al.Tensor([[1.0, 2.0], [3.0, 4.0]]), TENSOR)
    assert not unanswered(al, AL)
    assert not unanswered(nn, NN)


def test_what_answers_name_is_there():
    answers = [*elsewhere.FUNCTIONS.values(), *elsewhere.CALLS.values(), *spelling.CALLS.values()]
    answers += [*elsewhere.WITHOUT_OPTION.values(), *spelling.WITHOUT_OPTION.values()]
    answers += [*spelling.NAMES.values(), *spelling.ATTRIBUTES.values()]
    known = {"al": al, "autograd_lite": al, "nn": nn, "np": np}
    for answer in answers:
        for path in re.findall(r"\b((?:al|autograd_lite|nn|np)(?:\.\w+)+)", answer):
            found = known[path.partition(".")[0]]
            for name in path.split(".")[1:]:
                found = getattr(found, name)


x = np.array([[0.2, 0.5], [0.7, 0.4]])


@pytest.mark.parametrize("name", elsewhere.FUNCTIONS)
def test_the_expressions_of_answers_compute(name):
    """What an answer says in NumPy's words runs, on Tensors as well."""
    answer = elsewhere.FUNCTIONS[name].removeprefix("take ")
    code = re.split(r", (?:or|with|which|as|for|at) | of |: ", answer)[0]
    values = {n: al.Tensor(x, requires_grad=True) for n in ("x", "y", "z", "a", "b", "p", "q", "v")}
    values |= {"c": 2.0, "weight": 0.3, "limit": 0.3, "value": 0.0, "slope": 0.1, "n": 2, "most": 1}
    values |= {"epsilon": 1e-8, "seed": 0, "share": 0.5, "n_features": 2, "window": 2}
    values |= {"mask": x > 0.3, "start": 0, "stop": 1, "W": x, "indices": [0, 1]}
    values["x"] = {"is_nonzero": al.Tensor(1.0), "addr": np.ones((4, 4))}.get(name, values["x"])
    try:
        compile(code, name, "eval")
    except SyntaxError:
        return
    if re.match(r"(al|nn|np|[a-z]\b|-|\()", code):
        eval(code, {"al": al, "nn": nn, "np": np}, values)


@pytest.mark.parametrize("name", nn.__all__)
def test_a_name_of_nn_is_answered_where_al_has_none(name):
    try:
        getattr(al, name)
    except AttributeError as error:
        assert "; " in str(error) and "did you mean" not in str(error)


def model():
    return nn.Sequential(nn.Linear(2, 3, seed=0), nn.ReLU())


WORK = [
    ("x.sum(axis=0, keepdims=True)", [[5.0, 7.0, 9.0]]),
    ("x.reshape((3, 2))", [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
    ("x.reshape(-1, 3)", [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
    ("x.T.numpy()", [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]),
    ("x.detach().numpy().tolist()", [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
    ("x.clip(min=2).min().item()", 2.0),
    ("x.relu().sum().item()", 21.0),
    ("al.grad(f)(2.0)", 4.0),
    ("al.grad(f, 0)(2.0)", 4.0),
    ("al.grad(lambda x: (x * x, 5), has_aux=True)(2.0)", (4.0, 5)),
    ("al.value_and_grad(lambda x: (x * x, 5), has_aux=True)(2.0)", ((4.0, 5), 4.0)),
    ("x.sum().backward(retain_graph=True)", None),
    ("sum(p.size for p in m.parameters())", 9),
    ("[p.shape for p in m.parameters()]", [(3, 2), (3, 1)]),
    ("nn.Linear(2, 3, bias=False).bias", None),
    ("nn.Parameter([1.0], requires_grad=False).requires_grad", False),
    ("nn.Parameter([1.0], requires_grad=True).requires_grad", True),
    ("[p.requires_grad for p in m.freeze().parameters()]", [False, False]),
    ("repr(nn.SGD(m.parameters(), 0.1))", "SGD(learning_rate=0.1, momentum=0, weight_decay=0)"),
    ("m.train(False).training", False),
]
"""Calls of other libraries that mean the same here, with their results."""


@pytest.mark.parametrize(("code", "result"), WORK)
def test_a_habit_that_works(code, result):
    x = al.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    values = {"al": al, "nn": nn, "x": x, "m": model(), "f": lambda x: x * x}
    found = eval(code, values)
    if isinstance(found, al.Tensor):
        found = found.numpy()
    if isinstance(found, np.ndarray):
        found = found.tolist()
    assert found == result


ANSWERED = [
    ("x.flatten(1)", "makes all axes one: write .reshape(len(x), -1) to keep the first"),
    ("x.flatten(start_dim=1)", "write .reshape(len(x), -1) to keep the first axis"),
    ("x.sum(dim=0, keepdim=True)", "here it is axis="),
    ("x.sum(0, True)", "takes keepdims by its name, as in sum(axis=0, keepdims=True)"),
    ("x.mean(dim=1)", "here it is axis="),
    ("x.max(dim=0)", "here it is axis="),
    ("x.max(1, True)", "takes keepdims by its name, as in max(axis=0, keepdims=True)"),
    ("x.argmax(dim=1)", "here it is axis="),
    *([] if NUMPY >= "2.5.0" else [("x.argsort(descending=True)", "take np.flip of the result")]),
    ("x.std(unbiased=False)", "here it is ddof="),
    ("x.diagonal(dim1=0, dim2=1)", "here it is axis1="),
    ("x.squeeze(dim=0)", "here it is axis="),
    ("x.repeat(2, 3)", "repeats each element: take np.tile(x, (2, 3)) for copies of the whole"),
    ("x.repeat(2, 1, 1)", "repeats each element: take np.tile(x, (2, 3)) for copies of the whole"),
    ("x.numpy(force=True)", "numpy() always gives a copy"),
    ("x.zero_grad(set_to_none=True)", "a gradient is None afterwards, always"),
    ("al.softmax(x, dim=1)", "here it is axis="),
    ("al.softmax(D, dim=1)", "here it is axis="),
    ("al.logsumexp(x, keepdim=True)", "here it is keepdims="),
    ("al.relu(x, inplace=True)", "results are always new"),
    ("al.grad(f, argnum=0)", "here it is argnums="),
    ('al.grad(f, argnames="x")', "here it is argnums="),
    ("al.grad(f, holomorphic=True)", "is of real results, and al.jacobian takes complex ones"),
    ("al.grad(f, allow_int=True)", "integers have no gradient, so take floats"),
    ("al.grad(f, create_graph=True)", "and al.gradients(y, [x], create_graph=True) gives Tensors"),
    ("al.grad(x.sum(), x)", "the gradients of a Tensor are al.gradients(output, [x])"),
    ("al.grad(outputs=x.sum(), inputs=x)", "takes a function; write al.gradients(output, inputs)"),
    ("al.value_and_grad(f, argnum=0)", "here it is argnums="),
    ("al.jacobian(f, (1.0,))", "write al.jacobian(f)(x)"),
    ("al.jacobian(f, inputs=(1.0,))", "a function, and al.gradients(output, inputs) takes Tensors"),
    ("al.jacobian(f, has_aux=True)", "al.grad and al.value_and_grad have it"),
    ("al.hessian(f, argnum=0)", "here it is argnums="),
    ("al.hessian(f, np.ones(2))", "write al.hessian(f)(x)"),
    ("al.hvp(f, argnum=0)", "here it is argnums="),
    ("al.vjp(f, 2.0, has_aux=True)", "al.grad and al.value_and_grad have it"),
    ("al.jvp(f, primals=(2.0,), tangents=(1.0,))", "here it is args="),
    ("al.compile(f, static_argnums=0)", "booleans and strings are constants of what is compiled"),
    (
        'al.compile(f, mode="max-autotune")',
        "al.compile has no modes, and derivatives are always taken backward",
    ),
    ('al.compile(f, backend="inductor")', "there is one; native= says whether Numba is used"),
    ("al.compile(f, donate_argnums=0)", "here it is donate="),
    ("al.checkpoint(f, x)", "takes the function alone: write al.checkpoint(f)(x)"),
    ("al.checkpoint(f, x, use_reentrant=False)", "write al.checkpoint(f)(x)"),
    ("al.gradients(x.sum(), x)", "takes a sequence of inputs: write al.gradients(output, [x])"),
    ("al.gradients(x.sum(), [x], grad_outputs=1.0)", "here it is gradient="),
    ("al.gradients(x.sum(), [x], retain_graph=True)", "the graph is left as it is"),
    ("al.gradients(x.sum(), [x], allow_unused=True)", "does not depend on has a gradient of zeros"),
    ('al.draw(x.sum(), format="svg")', 'write al.draw(result).render("graph.svg")'),
    ("nn.Linear(in_features=2, out_features=3)", "here it is n_in="),
    ('nn.Linear(2, 3, device="cpu")', "model.to(cupy.asarray) moves a model"),
    ("nn.Conv2d(in_channels=1, out_channels=2, kernel_size=3)", "here it is n_in="),
    ("nn.Conv2d(1, 2, 3, dilation=2)", "windows have no gaps"),
    ("nn.Conv2d(1, 2, 3, groups=1)", "every output reads every input"),
    ("nn.Conv2d(1, 2, 3, strides=1)", "here it is stride="),
    ("nn.MaxPool2d(pool_size=2)", "here it is window="),
    ("nn.MaxPool2d(2, ceil_mode=True)", "windows that do not fit are left out"),
    ("nn.MaxPool2d(2, padding=1)", "np.pad adds zeros, in forward() of a module"),
    ("nn.Dropout(p=0.5)", "here it is share="),
    ("nn.BatchNorm(3, affine=False)", "scale and shift are always there"),
    ("nn.LSTM(input_size=2, hidden_size=3)", "here it is n_in="),
    ("nn.LSTM(2, 3, num_layers=2)", "put one layer after the other in nn.Sequential"),
    ("nn.LSTM(2, 3, batch_first=True)", "are the last axis, X of shape (features, steps, N)"),
    ("nn.LSTM(2, 3, bidirectional=True)", "take two layers, one on X[:, ::-1]"),
    ("nn.MultiheadAttention(embed_dim=4, num_heads=2)", "here it is n_features="),
    ("nn.Softmax(dim=1)", "features are the axis 0, and samples the last"),
    ('nn.GELU(approximate="tanh")', "it always is the tanh approximation"),
    ("nn.Flatten(start_dim=1)", "all axes but the last, the samples, become one"),
    ("nn.SGD(m.parameters(), lr=0.1, momentum=0.9)", "here it is learning_rate="),
    ("nn.Adam(m.parameters(), betas=(0.9, 0.99))", "here it is beta1= and beta2="),
    ("nn.Adam(m.parameters(), beta_1=0.9)", "here it is beta1="),
    ("nn.Adam(m.parameters(), amsgrad=True)", "it has no such variant"),
    ('nn.Adam([{"parameters": m.parameters(), "lr": 0.1}])', "here it is learning_rate="),
    ("nn.RMSProp(m.parameters(), alpha=0.9)", "here it is decay="),
    ('nn.LBFGS(m.parameters(), line_search_fn="strong_wolfe")', "the line search is SciPy's"),
    ("nn.StepSchedule(opt, step_size=10, gamma=0.1)", "here it is every="),
    ("nn.CosineSchedule(opt, T_max=10)", "here it is length="),
    ("nn.OneCycleSchedule(opt, max_lr=0.1, total_steps=10)", "here it is most="),
    ("opt.zero_grad(set_to_none=True)", "a gradient is None afterwards, always"),
    ("opt.step(lambda: 1.0)", "takes nothing: call loss.backward() before it"),
    ("next(m.parameters())", "gives a list: write model.parameters()[0]"),
    ("m.parameters(recurse=False)", "are found; those of one module are in vars(module)"),
    ("m.zero_grad(set_to_none=True)", "a gradient is None afterwards, always"),
    ("m(np.ones((5, 2)))", "its rows look like the samples, so pass X.T"),
    ("m(D, training=True)", "model.train() and model.eval() say so"),
    ("m.summary()", "takes an input or its shape, the samples last: model.summary((2, 10))"),
    ("m.summary(input_shape=(2, 8))", "the first layer has n_in, and summary() takes a shape"),
    ('m.to("cuda")', "a function of an array, such as cupy.asarray or numpy.asarray, not 'cuda'"),
    ('m.to(device="cpu")', "model.to(cupy.asarray) moves a model"),
    ("m.load_state_dict({}, strict=False)", "paths and shapes must agree; change the dict before"),
    ("nn.cross_entropy(D, Y, weight=None)", "here it is class_weight="),
    ("nn.cross_entropy(input=D, target=Y)", "here it is Z="),
    ("nn.cross_entropy(D, Y, ignore_index=0)", "give sample_weight= of 0 to what is to be ignored"),
    ("nn.binary_cross_entropy(Y, Y, from_logits=True)", "and nn.cross_entropy take logits"),
    ("nn.binary_cross_entropy(y_true=Y, y_pred=Y)", "here it is Y="),
    ("nn.mean_squared_error(Y, Y, squared=False)", "take np.sqrt of it"),
    ("nn.huber(Y, Y, beta=1.0)", "here it is delta="),
    ("nn.clip_by_norm(m.parameters(), max_norm=1.0)", "here it is most="),
    ('nn.load("m.h5")', "takes a path and the model to fill: nn.load(path, model)"),
    ('nn.load("m.h5", map_location="cpu")', "are NumPy's; model.to(cupy.asarray) moves a model"),
    ('nn.fit(m, D, Y, optimizer="adam")', "here it is optimiser="),
    ("nn.fit(m, D, Y, class_weight={})", "functools.partial(nn.cross_entropy, class_weight=...)"),
    ("nn.fit(m, D, Y, steps_per_epoch=1)", "an epoch goes over all samples"),
    ("nn.fit(m, D, Y, early_stopping=True)", "here it is patience="),
    ("nn.LogisticRegression(C=1.0)", "here it is alpha=, which grows as C falls"),
    ("nn.LogisticRegression(fit_intercept=False)", "there always is an intercept"),
    ("nn.LogisticRegression(n_jobs=2)", "NumPy's products use all cores"),
    ('nn.DeepClassifier(solver="adam")', "here it is optimiser="),
    ("nn.DeepClassifier(epochs=3)", "an estimator has max_iter=, given when it is made"),
    ("nn.LogisticRegression().fit(D.T, [0, 1] * 4, epochs=2)", "max_iter=, given when it is made"),
    ("nn.losses.MSELoss", "take nn.mean_squared_error(A, Y)"),
    ("nn.metrics.accuracy_score", "take nn.metrics.accuracy, which takes the prediction first"),
    ("nn.layers.Dense", "take nn.Linear(n_in, n_out)"),
    ("nn.optimisers.lr_scheduler", "take nn.optimisers, which has the schedules"),
    ("m.fit(D, Y, epochs=2)", "nn.fit(model, X, Y, loss=..., optimiser=..., epochs=...)"),
    ("m.in_features", "n_in"),
    ("opt.param_groups", "groups"),
]
"""Calls of other libraries, with how the message ends that they raise."""


@pytest.mark.parametrize(("code", "ending"), ANSWERED)
def test_a_habit_that_is_answered(code, ending):
    x = al.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    m = model()
    values = {"al": al, "nn": nn, "np": np, "x": x, "m": m, "f": lambda x: x * x}
    values |= {"opt": nn.SGD(m.parameters()), "D": np.ones((2, 8)), "Y": np.ones((1, 8))}
    with pytest.raises((AttributeError, TypeError, ValueError)) as caught:
        eval(code, values)
    message = str(caught.value)
    assert message.endswith(ending) and "\n" not in message


def test_options_of_a_users_own_operation_are_answered_too():
    @al.primitive
    def scaled(x, axis=None):
        return x * 2

    with pytest.raises(TypeError, match=r"^scaled\(\) has no option 'dim': here it is axis=$"):
        scaled(al.Tensor([1.0]), dim=0)


def test_an_error_inside_of_a_function_is_its_own():
    def f(x):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="^mine$"):
        al.grad(f)(1.0)
    with pytest.raises(TypeError, match=r"^gradients\(\) takes Tensors"):
        al.gradients(al.Tensor(1.0, requires_grad=True), [1.0])


def test_parameters_are_a_list():
    parameters = model().parameters()
    assert isinstance(parameters, list) and parameters == list(parameters)
    assert type(copy.copy(parameters)) is list
