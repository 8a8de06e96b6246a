//! The detector reads any text without a fault: findings are in order, apart, between characters, and the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate::config::Data;
use tollgate::policy::redaction::Detector;

thread_local! {
    static DETECTOR: Detector = Detector::new(&Data::default());
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    DETECTOR.with(|detector| {
        let findings = detector.find(&text);
        let mut end = 0;
        for finding in &findings {
            assert!(finding.range.start >= end && finding.range.end > finding.range.start, "{findings:?}");
            assert!(text.get(finding.range.clone()).is_some(), "within a character: {findings:?}");
            end = finding.range.end;
        }
        assert_eq!(findings, detector.find(&text));
    });
});
