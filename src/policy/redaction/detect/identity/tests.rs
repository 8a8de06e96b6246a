use super::*;
use crate::policy::redaction::detect::table::detectors;

fn numbers() -> Numbers {
    Numbers::new(&detectors().collect::<Vec<_>>()).unwrap()
}

#[test]
fn every_shape_is_looked_up() {
    let numbers = numbers();
    for (index, shape) in numbers.shapes.iter().enumerate() {
        let index = u16::try_from(index).unwrap();
        assert!(numbers.openings.iter().any(|shapes| shapes.contains(&index)), "{}", shape.text);
    }
}
