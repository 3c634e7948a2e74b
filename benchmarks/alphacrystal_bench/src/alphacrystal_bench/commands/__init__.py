"""The commands of `alphacrystal benchmark`: one registered function per benchmark."""
