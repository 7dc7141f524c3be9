//! What are its words, once noise is gone?
