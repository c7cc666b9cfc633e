"""Names as registrars meet them: several scripts, and some that break careless software."""

# ruff: noqa: RUF001 - letters that look like others are the point

GIVEN = (
    "Nannie", "María José", "José Ángel", "Luz", "Íñigo", "Ana Lucía", "Juan Pablo", "Ixchel",
    "Begoña", "Zoë", "Björk", "Łukasz", "Çağla", "Nguyễn Thị", "Siobhán", "Kwame", "Aisha",
    "Dimitri", "Fátima", "Tecún", "Renée", "Óscar", "Sofía", "Diego", "Valentina", "Esteban",
)  # fmt: skip
FAMILY = (
    "García", "López", "Tzoc", "de León", "Ruiz-Peña", "O’Brien", "Müller", "Ordóñez", "Ajpop",
    "Smith", "Yılmaz", "Żak", "Hồng", "Mac an Ghoill", "N'Diaye", "Castañeda", "Xicará",
    "van der Berg", "Hernández", "Batz", "Okonkwo", "Sørensen", "Quiñónez", "Méndez", "Chávez",
)  # fmt: skip
OTHER_SCRIPTS = (
    "李小龍", "山田 花子", "김민수", "Иван Петров", "Ελένη Παπαδοπούλου", "محمد الأحمد",
    "דוד כהן", "प्रिया शर्मा", "สมชาย ใจดี", "ანა ბერიძე", "Արամ Խաչատրյան", "ሰላም ተስፋዬ",
)  # fmt: skip
AWKWARD = (
    "null", "NaN", "0", "Ñ", "'", '"Billy" Bob', "Robert'); DROP TABLE Students;--",
    "<b>Ana</b> & Co", "back\\slash", "a/b?c=d&e%2F", "{{7*7}}", "Zoë 🦉", "e\u0301 combined",
    "x" * 255,
)  # fmt: skip
