import numpy as np

from unsee.methods.eigen_cam import upright


def test_the_largest_magnitude_of_a_projection_is_positive() -> None:
    """Whatever the sign of the component is; zeros stay."""
    few = np.array([[3.0, -1.0, -1.0], [-1.0, 0.0, 0.0]], dtype=np.float32)
    turned = upright(np.stack([few, -few, few[:, ::-1], 0 * few]))
    np.testing.assert_array_equal(turned, [few, few, few[:, ::-1], 0 * few])
    assert turned.dtype == np.float32
