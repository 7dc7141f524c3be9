//! stub
#![allow(missing_docs)]
use serde::{Deserialize, Serialize};
pub type ParagraphKey = u128;
#[derive(Clone, Copy, Debug)] pub struct PageParagraph { pub key: ParagraphKey, pub tokens: u32 }
#[derive(Clone, Debug, Default)] pub struct TemplateSettings {}
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role { Header, Footer, Inline }
impl Role { pub fn name(self) -> &'static str { "x" } }
#[derive(Debug)] pub struct SiteTemplates { pub templates: Vec<TemplateShape>, pub pages: u32 }
#[derive(Debug)] pub struct TemplateShape { pub role: Role, pub paragraphs: Vec<ParagraphShape>, pub documents: u32 }
#[derive(Debug)] pub struct ParagraphShape { pub key: ParagraphKey, pub documents: u32 }
pub fn find(pages: &[&[PageParagraph]], _settings: &TemplateSettings) -> SiteTemplates { SiteTemplates { templates: vec![], pages: pages.len() as u32 } }
impl SiteTemplates {
    pub fn mark(&self, page: &[PageParagraph]) -> Vec<Option<u32>> { vec![None; page.len()] }
    pub fn recount(&self, pages: &[&[PageParagraph]], _g: &[u32], s: &TemplateSettings) -> SiteTemplates { find(pages, s) }
}
