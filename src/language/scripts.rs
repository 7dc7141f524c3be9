//! Which script is a letter of?

/// The scripts that profiles name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    Latin,
    Greek,
    Cyrillic,
    Armenian,
    Hebrew,
    Arabic,
    Devanagari,
    Bengali,
    Gurmukhi,
    Gujarati,
    Oriya,
    Tamil,
    Telugu,
    Kannada,
    Malayalam,
    Sinhala,
    Thai,
    Lao,
    Tibetan,
    Myanmar,
    Georgian,
    Hangul,
    Ethiopic,
    Khmer,
    Kana,
    Han,
}

/// First and last code point of each block of letters, ascending. Blocks of rare and historical letters are left out: they say
/// nothing of a language.
const BLOCKS: [(u32, u32, Script); 46] = [
    (0x41, 0x5a, Script::Latin),
    (0x61, 0x7a, Script::Latin),
    (0xaa, 0xaa, Script::Latin),
    (0xba, 0xba, Script::Latin),
    (0xc0, 0xd6, Script::Latin),
    (0xd8, 0xf6, Script::Latin),
    (0xf8, 0x2af, Script::Latin),
    (0x370, 0x3ff, Script::Greek),
    (0x400, 0x52f, Script::Cyrillic),
    (0x531, 0x587, Script::Armenian),
    (0x5d0, 0x5f2, Script::Hebrew),
    (0x620, 0x64a, Script::Arabic),
    (0x66e, 0x6d5, Script::Arabic),
    (0x6fa, 0x6ff, Script::Arabic),
    (0x750, 0x77f, Script::Arabic),
    (0x900, 0x963, Script::Devanagari),
    (0x980, 0x9e5, Script::Bengali),
    (0xa01, 0xa5e, Script::Gurmukhi),
    (0xa81, 0xae3, Script::Gujarati),
    (0xb01, 0xb63, Script::Oriya),
    (0xb82, 0xbd7, Script::Tamil),
    (0xc00, 0xc63, Script::Telugu),
    (0xc80, 0xce3, Script::Kannada),
    (0xd00, 0xd63, Script::Malayalam),
    (0xd81, 0xdf3, Script::Sinhala),
    (0xe01, 0xe4e, Script::Thai),
    (0xe81, 0xece, Script::Lao),
    (0xedc, 0xedf, Script::Lao),
    (0xf00, 0xfbc, Script::Tibetan),
    (0x1000, 0x103f, Script::Myanmar),
    (0x10a0, 0x10ff, Script::Georgian),
    (0x1100, 0x11ff, Script::Hangul),
    (0x1200, 0x137f, Script::Ethiopic),
    (0x1780, 0x17d3, Script::Khmer),
    (0x1c90, 0x1cbf, Script::Georgian),
    (0x1e00, 0x1eff, Script::Latin),
    (0x1f00, 0x1fff, Script::Greek),
    (0x3041, 0x30ff, Script::Kana),
    (0x3130, 0x318f, Script::Hangul),
    (0x3400, 0x4dbf, Script::Han),
    (0x4e00, 0x9fff, Script::Han),
    (0xac00, 0xd7af, Script::Hangul),
    (0xf900, 0xfaff, Script::Han),
    (0xfb50, 0xfdff, Script::Arabic),
    (0xff66, 0xff9f, Script::Kana),
    (0x20000, 0x3134f, Script::Han),
];

impl Script {
    /// All of them, in the order of their code points.
    pub(super) const ALL: [Script; 26] = [
        Script::Latin,
        Script::Greek,
        Script::Cyrillic,
        Script::Armenian,
        Script::Hebrew,
        Script::Arabic,
        Script::Devanagari,
        Script::Bengali,
        Script::Gurmukhi,
        Script::Gujarati,
        Script::Oriya,
        Script::Tamil,
        Script::Telugu,
        Script::Kannada,
        Script::Malayalam,
        Script::Sinhala,
        Script::Thai,
        Script::Lao,
        Script::Tibetan,
        Script::Myanmar,
        Script::Georgian,
        Script::Hangul,
        Script::Ethiopic,
        Script::Khmer,
        Script::Kana,
        Script::Han,
    ];

    /// The script of a letter; `None` for digits, signs and letters of other scripts. Combining marks of Latin, Greek and
    /// Cyrillic have none.
    pub(super) fn of(c: char) -> Option<Script> {
        let code = u32::from(c);
        let after = BLOCKS.partition_point(|&(first, ..)| first <= code);
        let (_, last, script) = *BLOCKS.get(after.checked_sub(1)?)?;
        (code <= last).then_some(script)
    }

    /// As `profiles.txt` spells it.
    pub(super) fn named(name: &str) -> Option<Script> {
        Script::ALL.into_iter().find(|script| format!("{script:?}") == name)
    }

    /// Whether each letter is a token by itself, as the contract says of these blocks.
    pub(super) fn is_solo(self) -> bool {
        use Script::{Han, Hangul, Kana, Khmer, Lao, Myanmar, Thai};
        matches!(self, Han | Hangul | Kana | Khmer | Lao | Myanmar | Thai)
    }
}
