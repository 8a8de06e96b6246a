use super::*;
use crate::policy::redaction::detect::table::detectors;

#[test]
fn every_shape_is_looked_up() {
    let numbers = Numbers::new(&detectors().collect::<Vec<_>>()).unwrap();
    for (index, shape) in numbers.shapes.iter().enumerate() {
        let index = u16::try_from(index).unwrap();
        assert!(numbers.openings.iter().any(|shapes| shapes.contains(&index)), "{}", shape.text);
    }
}

type Check = fn(&[u8]) -> bool;

/// Numbers that the issuers, or those who describe the scheme, publish as samples.
#[rustfmt::skip]
const SAMPLES: &[(&str, Check, &str)] = &[
    ("ie_pps", europe::ie_pps, "1234567T"), ("ie_pps", europe::ie_pps, "1234567FA"),
    ("de_tax_id", europe::de_tax_id, "86095742719"), ("de_tax_id", europe::de_tax_id, "65929970489"),
    ("de_pension", europe::de_pension, "65170839J003"), ("de_pension", europe::de_pension, "15070649C103"),
    ("de_document", europe::de_document, "T220001293"), ("de_document", europe::de_document, "L01X00T471"),
    ("at_svnr", europe::at_svnr, "1237010180"), ("ch_ahv", europe::ch_ahv, "7569217076985"),
    ("fr_nir", europe::fr_nir, "269054958815780"), ("fr_tax", europe::fr_tax, "3023217600053"),
    ("es_dni", europe::es_dni, "12345678Z"), ("es_nie", europe::es_dni, "X1234567L"),
    ("pt_nif", europe::pt_nif, "123456789"), ("pt_card", europe::pt_card, "000000000ZZ4"),
    ("nl_bsn", europe::nl_bsn, "111222333"), ("be_register", europe::be_register, "85073003328"),
    ("pl_pesel", europe::pl_pesel, "44051401359"), ("pl_card", europe::pl_card, "ABA300000"),
    ("se_personal", europe::se_personal, "8112189876"), ("no_birth", europe::no_birth, "15076500565"),
    ("fi_personal", europe::fi_personal, "131052308T"), ("cz_birth", europe::cz_birth, "7360285163"),
    ("ro_cnp", europe::ro_cnp, "1800101221144"), ("baltic", europe::baltic, "37605030299"),
    ("bg_egn", europe::bg_egn, "7523169263"), ("hr_oib", europe::hr_oib, "33392005961"),
    ("tr_kimlik", europe::tr_kimlik, "10000000146"), ("ru_snils", europe::ru_snils, "11223344595"),
    ("ru_inn", europe::ru_inn, "500100732259"), ("ru_inn", europe::ru_inn, "7707083893"),
    ("ca_sin", america::ca_sin, "046454286"), ("br_cpf", america::br_cpf, "12345678909"),
    ("br_cnpj", america::br_cnpj, "11222333000181"), ("br_cnpj", america::br_cnpj, "12ABC34501DE35"),
    ("ar_cuil", america::ar_cuil, "20123456786"), ("cl_rut", america::cl_rut, "123456785"),
    ("cn_resident", asia::cn_resident, "11010519491231002X"), ("tw_identity", asia::tw_identity, "A123456789"),
    ("hk_identity", asia::hk_identity, "A1234563"), ("jp_my_number", asia::jp_my_number, "123456789018"),
    ("kr_resident", asia::kr_resident, "9001011234568"), ("in_aadhaar", asia::in_aadhaar, "234123412346"),
    ("sg_nric", asia::sg_nric, "S1234567D"), ("th_citizen", asia::th_citizen, "1234567890121"),
    ("il_identity", asia::il_identity, "123456782"), ("ae_identity", asia::ae_identity, "784198012345678"),
    ("za_identity", asia::za_identity, "8001015009087"), ("au_tfn", asia::au_tfn, "123456782"),
    ("au_abn", asia::au_abn, "51824753556"), ("in_gstin", asia::in_gstin, "27AAPFU0939F1ZV"),
    ("uk_nhs", institutions::uk_nhs, "9434765919"), ("au_medicare", institutions::au_medicare, "2123456701"),
    ("us_npi", institutions::us_npi, "1234567893"), ("us_dea", institutions::us_dea, "AB1234563"),
    ("de_health", institutions::de_health, "A123456780"), ("pl_nip", institutions::pl_nip, "8567346215"),
    ("uk_utr", institutions::uk_utr, "1955839661"), ("it_vat", institutions::it_vat, "00743110157"),
    ("us_routing", institutions::us_routing, "021000021"), ("mx_clabe", institutions::mx_clabe, "032180000118359719"),
    ("fr_rib", institutions::fr_rib, "20041010050500013M02606"),
];

#[test]
fn published_samples_agree_and_few_changed_digits_do() {
    for (name, check, sample) in SAMPLES {
        assert!(check(sample.as_bytes()), "{name} {sample}");
        let (mut changes, mut agree) = (0, 0);
        for place in 0..sample.len() {
            for digit in b'0'..=b'9' {
                let mut changed = sample.as_bytes().to_vec();
                if changed[place].is_ascii_digit() && changed[place] != digit {
                    changed[place] = digit;
                    changes += 1;
                    agree += usize::from(check(&changed));
                }
            }
        }
        // Digits that stand for nothing in the check, as the last one of a Medicare card.
        assert!(agree * 5 <= changes, "{name} {sample}: {agree} of {changes} changes agree");
    }
}

#[test]
fn no_check_stumbles_over_odd_text() {
    for (name, check, _) in SAMPLES {
        let odd = ["A", "0", "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ", "99999999999999999999999999999999"];
        assert!(!odd.iter().all(|text| check(text.as_bytes())), "{name}");
    }
}
