//! Registers read, write and sum the same numbers on every instruction set.

use super::*;
use crate::cpu::isa::{InRegisters, Isa, Level, RegisterOf, fma, multiversion};

/// Sixteen numbers whose sum depends on the order in which it is taken.
fn numbers<T: Element>() -> [T; LANES] {
    std::array::from_fn(|i| T::from_f64(0.1 + (i as f64 * 2.7).sin() * 1e3))
}

#[inline(always)]
fn cross_body<L: Level, T: InRegisters>(from: &[T; LANES], count: usize) {
    let (mut all, mut first) = ([T::ONE; LANES], [T::ONE; LANES]);
    // SAFETY: all are arrays of sixteen numbers.
    unsafe {
        let register = RegisterOf::<L, T>::load_first(from.as_ptr(), count);
        register.store(all.as_mut_ptr());
        RegisterOf::<L, T>::load(from.as_ptr()).store_first(first.as_mut_ptr(), count);
    }
    for i in 0..LANES {
        assert_eq!(all[i], if i < count { from[i] } else { T::ZERO });
        assert_eq!(first[i], if i < count { from[i] } else { T::ONE });
    }
}

#[inline(always)]
fn sum_body<L: Level, T: InRegisters>(a: &[T; LANES]) {
    let b = T::from_f64(0.3);
    // SAFETY: an array of sixteen numbers.
    let register = unsafe { RegisterOf::<L, T>::load(a.as_ptr()) };
    let sum = register
        .add_product(register, RegisterOf::<L, T>::splat(b))
        .sum();
    assert_eq!(sum, tree_sum(&a.map(|x| fma::<L, T>(x, b, x))));
}

multiversion! {
    fn cross<T: InRegisters>(from: &[T; LANES], count: usize) = cross_body;
}

multiversion! {
    fn sum<T: InRegisters>(a: &[T; LANES]) = sum_body;
}

#[test]
fn the_first_numbers_and_no_others_are_read_and_written() {
    for isa in Isa::available() {
        for count in 0..=LANES {
            cross(isa.check().unwrap(), &numbers::<f32>(), count);
            cross(isa.check().unwrap(), &numbers::<f64>(), count);
        }
    }
}

#[test]
fn sums_are_taken_in_one_order_on_every_instruction_set() {
    for isa in Isa::available() {
        sum(isa.check().unwrap(), &numbers::<f32>());
        sum(isa.check().unwrap(), &numbers::<f64>());
    }
}
